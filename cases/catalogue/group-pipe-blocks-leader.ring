# SPDX-License-Identifier: Apache-2.0
# The leader waits on an empty pipe. The members must complete before
# anybody feeds it; the leader's CQE still comes last.
name group-pipe-blocks-leader
rules G4 P4.1
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: nop
wait r0 2 timeout=100ms
feed p0.w 64 fill=9
wait r0
