# SPDX-License-Identifier: Apache-2.0
# A group of reads that wait for their pipes. The ring says when there
# is task work.
# Written by cases/families, family rings.
name group-on-taskrun-flag
rules G1 G4 G10
needs groups

ring r0 entries=4 flags=COOP_TASKRUN|TASKRUN_FLAG
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  after: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
