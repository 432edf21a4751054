# SPDX-License-Identifier: Apache-2.0
# Each request of a group has its own file, offset and buffer. Data that
# went by another's differs from what is expected. The group is part of
# a link chain.
# Written by cases/families, family neighbours.
name group-own-files-in-chain
rules G13 G4
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
  nop LINK
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  m2: read p2.r b2 len=64 GROUP
  m3: read p3.r b3 len=64
  behind1: nop
feed p3.w 64 fill=12
feed p0.w 64 fill=9
feed p2.w 64 fill=11
feed p1.w 64 fill=10
wait r0
