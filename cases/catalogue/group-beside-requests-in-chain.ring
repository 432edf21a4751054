# SPDX-License-Identifier: Apache-2.0
# While a group is in flight, plain requests are submitted with it and
# after it. They complete as ever. The group is part of a link chain.
# Written by cases/families, family neighbours.
name group-beside-requests-in-chain
rules G12
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2
pipe p3
buf b0 size=64
buf b1 size=64
buf b2 size=64
buf b3 size=64

submit r0
  before: read p0.r b0 len=64
  nop LINK
  leader: read p1.r b1 len=64 GROUP LINK
  m1: read p2.r b2 len=64
  behind1: nop
  after: nop
submit r0
  late: read p3.r b3 len=64
  latest: nop
feed p3.w 64 fill=12
feed p0.w 64 fill=9
wait r0 4
feed p2.w 64 fill=11
feed p1.w 64 fill=10
wait r0
