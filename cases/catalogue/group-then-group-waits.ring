# SPDX-License-Identifier: Apache-2.0
# Three groups in a chain; in each of the first two another request
# waits on a pipe. Feeding one lets just one group go on.
name group-then-group-waits
rules G4 G5
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=128

submit r0
  leader0: read p0.r b0 len=64 GROUP LINK
  m0: nop
  leader1: nop GROUP LINK
  m1: nop GROUP
  m2: read p1.r b0+64 len=64
  leader2: nop GROUP
  m3: nop
  mark: nop
wait r0 1
feed p0.w 64 fill=9
wait r0 2
feed p1.w 64 fill=8
wait r0
