# SPDX-License-Identifier: Apache-2.0
# Leaders that are done at once, right behind each other, while members
# are not: each is parked by itself, and nothing that completes with
# them is.
name group-leaders-wait-together
rules G3 G4 G10
needs groups

ring r0 entries=16
pipe p0
pipe p1
pipe p2
buf b0 size=192

submit r0
  first: nop
  leader0: nop GROUP
  m0: read p0.r b0 len=64
  leader1: nop GROUP
  m1: read p1.r b0+64 len=64
  leader2: nop GROUP LINK
  m2: read p2.r b0+128 len=64
  next: nop
wait r0 1
feed p1.w 64 fill=9
feed p2.w 64 fill=8
feed p0.w 64 fill=7
wait r0
