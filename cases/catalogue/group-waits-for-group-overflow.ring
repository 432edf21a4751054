# SPDX-License-Identifier: Apache-2.0
# Group behind group: each request of the second depends on all of the
# first. The first's members are done after its leader. The completion
# queue is full: every CQE goes to the overflow list.
# Written by cases/families, family chains.
name group-waits-for-group-overflow
rules G5 G4 G14
needs groups

ring r0 entries=8 cq=8
file f0 size=0
pipe p0
pipe p1
pipe p2
buf b0 size=64 fill=5
buf b1 size=64
buf b2 size=64
buf b3 size=64
buf b4 size=64

submit r0
  nop
  nop
  nop
  nop
  nop
  nop
  nop
  nop
submit r0
  leader0: read p0.r b1 len=64 GROUP LINK
  m0: read p1.r b2 len=64 GROUP
  m1: write f0 b0 len=64
  leader1: read f0 b3 len=64 GROUP
  m2: read p2.r b4 len=64 GROUP
  m3: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p2.w 64 fill=11
wait r0
