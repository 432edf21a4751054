# SPDX-License-Identifier: Apache-2.0
# Three reads into one buffer, then one write of all. A write that came
# too early writes what was not yet read. The completion queue is full:
# every CQE goes to the overflow list.
# Written by cases/families, family copies.
name group-read-many-write-one-overflow
rules G14 G5
needs groups

ring r0 entries=4 cq=4
file f0 size=0
pipe p0
pipe p1
pipe p2
buf b0 size=192

submit r0
  nop
  nop
  nop
  nop
submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b0+64 len=64 GROUP
  m2: read p2.r b0+128 len=64
  next: write f0 b0 len=192
feed p2.w 64 fill=11
feed p1.w 64 fill=10
feed p0.w 64 fill=9
wait r0
