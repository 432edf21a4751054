# SPDX-License-Identifier: Apache-2.0
# The queue is full before the leader, which waits on a pipe, is done:
# the leader's CQE overflows although its member's did not.
name group-overflow-late-leader
rules G3 G4 G10
needs groups

ring r0 entries=4 cq=4
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop
submit r0
  nop
  nop
  nop
  nop
feed p0.w 64 fill=9
wait r0
