# SPDX-License-Identifier: Apache-2.0
# A drained group must wait for everything submitted earlier, a group
# among it. The group is part of a link chain.
# Written by cases/families, family drains.
name group-drain-waits-in-chain
rules G8
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  early: read p0.r b0 len=64
  leader0: nop GROUP
  m0: read p1.r b1 len=64
  nop LINK
  leader: nop GROUP LINK DRAIN
  m1: read p2.r b2 len=64
  behind1: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p2.w 64 fill=11
wait r0
