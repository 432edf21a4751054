# SPDX-License-Identifier: Apache-2.0
# A drained group with a member that waits on a pipe: the request behind
# the group is held back until the member is done.
name group-drain-leader-waits
rules G8
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  nop
  leader: nop GROUP DRAIN
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  after: nop
wait r0 2
feed p0.w 64 fill=9
wait r0
