# SPDX-License-Identifier: Apache-2.0
# Members that wait for pipes, fed in the other order: their CQEs come
# as they complete, the leader's at the end.
name c3-poll
rules C3 G4
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: nop GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: read p1.r b1 len=64 GROUP
  m3: nop
wait r0 1
feed p1.w 64 fill=8
wait r0 1
feed p0.w 64 fill=9
wait r0
