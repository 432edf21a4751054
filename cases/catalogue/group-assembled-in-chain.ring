# SPDX-License-Identifier: Apache-2.0
# Two groups back to back between two requests of their own. A kernel
# that assembles them wrongly has somebody follow the wrong leader. The
# group is part of a link chain.
# Written by cases/families, family assembly.
name group-assembled-in-chain
rules G1 G4 G12
needs groups

ring r0 entries=16
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  before: nop
  nop LINK
  leader0: read p0.r b0 len=64 GROUP LINK
  m0: nop GROUP
  m1: read p1.r b1 len=64
  behind1: nop
  nop LINK
  leader1: nop GROUP LINK
  m2: read p2.r b2 len=64
  behind2: nop
  after: nop
wait r0 4
feed p1.w 64 fill=10
feed p0.w 64 fill=9
feed p2.w 64 fill=11
wait r0
