# SPDX-License-Identifier: Apache-2.0
# A drained request behind a group of which only a member is not done:
# the drain sequence counts every SQE of the group.
name group-drain-after-member
rules G8
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: read p0.r b0 len=64
  drained: nop DRAIN
wait r0 1
feed p0.w 64 fill=9
wait r0
