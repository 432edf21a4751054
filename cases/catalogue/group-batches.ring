# SPDX-License-Identifier: Apache-2.0
# Leader done first, one member in the same batch, two more later and
# one by one: the leader passes the completion path twice and must be
# freed once.
name group-batches
rules G3 G4 G10
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=128

submit r0
  leader: nop GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: nop GROUP
  m3: read p1.r b0+64 len=64
wait r0 1
feed p1.w 64 fill=9
wait r0 1
feed p0.w 64 fill=8
wait r0
