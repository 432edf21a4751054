# SPDX-License-Identifier: Apache-2.0
# Each request of a group names a registered file by its slot, and the
# slots are in another order than the requests. The group is part of a
# link chain.
# Written by cases/families, family neighbours.
name group-fixed-files-in-chain
rules G13 G4
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

register r0 files p0.r p1.r p2.r
submit r0
  nop LINK
  leader: read 2 b2 len=64 GROUP LINK FIXED_FILE
  m1: read 1 b1 len=64 GROUP FIXED_FILE
  m2: read 0 b0 len=64 FIXED_FILE
  behind1: nop
feed p2.w 64 fill=11
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
