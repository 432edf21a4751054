# SPDX-License-Identifier: Apache-2.0
# Two rings, each with a group. The second ring's must not wait for the
# first ring's. The group is part of a link chain.
# Written by cases/families, family neighbours.
name group-beside-ring-in-chain
rules G12
needs groups

ring r0 entries=4
ring r1 entries=4
pipe p0
pipe p1
pipe p2
pipe p3
buf b0 size=64
buf b1 size=64
buf b2 size=64
buf b3 size=64

submit r0
  nop LINK
  leader0: read p0.r b0 len=64 GROUP LINK
  m0: read p1.r b1 len=64
  behind1: nop
submit r1
  nop LINK
  leader1: read p2.r b2 len=64 GROUP LINK
  m1: read p3.r b3 len=64
  behind2: nop
feed p2.w 64 fill=11
feed p3.w 64 fill=12
wait r1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
