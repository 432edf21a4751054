# SPDX-License-Identifier: Apache-2.0
# The process is killed when the leader has done its work and a member
# still waits: the leader must go with the last of its group, not before
# and not never. The group is part of a link chain.
# Written by cases/families, family endings.
name group-member-outlives-process-in-chain
rules G11
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop LINK
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  behind1: nop
feed p0.w 64 fill=9
wait r0 2
kill
