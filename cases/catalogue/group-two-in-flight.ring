# SPDX-License-Identifier: Apache-2.0
# Two groups wait at the same time and are woken in the reverse order.
# Each keeps its own count and its own order.
name group-two-in-flight
rules G3 G4 G10 G12
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=128

submit r0
  leader0: read p0.r b0 len=64 GROUP
  m0: nop
  leader1: read p1.r b0+64 len=64 GROUP
  m1: nop
  mark: nop
wait r0 1
feed p1.w 64 fill=9
wait r0 1
feed p0.w 64 fill=8
wait r0
