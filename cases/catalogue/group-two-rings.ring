# SPDX-License-Identifier: Apache-2.0
# A group on each of two rings, one of them waiting.
name group-two-rings
rules G3 G4 G12
needs groups

ring r0 entries=4
ring r1 entries=4
pipe p0
buf b0 size=64

submit r0
  leader0: read p0.r b0 len=64 GROUP
  m0: nop
submit r1
  leader1: nop GROUP
  m1: nop
wait r1
feed p0.w 64 fill=9
wait r0
