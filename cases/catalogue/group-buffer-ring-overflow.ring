# SPDX-License-Identifier: Apache-2.0
# The requests of a group take their buffers from one buffer ring, each
# another one. The completion queue is full: every CQE goes to the
# overflow list.
# Written by cases/families, family neighbours.
name group-buffer-ring-overflow
rules G13 G4
needs groups

ring r0 entries=4 cq=4
pipe p0
pipe p1
buf b0 size=256

submit r0
  nop
  nop
  nop
  nop
register r0 bufring b0 group=1 entries=4 size=64
submit r0
  leader: read p0.r len=64 index=1 GROUP BUFFER_SELECT
  m1: read p1.r len=64 index=1 GROUP BUFFER_SELECT
  m2: nop
feed p1.w 64 fill=10
feed p0.w 64 fill=9
wait r0
