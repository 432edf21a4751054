# SPDX-License-Identifier: Apache-2.0
# More CQEs than the queue holds, of groups that complete at once and of
# one that waits: the order must survive the overflow list.
name c3-overflow
rules C3 G4
needs groups

ring r0 entries=8 cq=8
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: nop
submit r0
  nop GROUP
  nop GROUP
  nop GROUP
  nop
  nop GROUP
  nop GROUP
  nop GROUP
  nop
feed p0.w 64 fill=9
wait r0
