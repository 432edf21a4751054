# SPDX-License-Identifier: Apache-2.0
# A group of reads that wait for their pipes. Big SQEs and CQEs,
# completed when the task asks.
# Written by cases/families, family rings.
name group-on-sqe128-cqe32-defer
rules G1 G4 G10
needs groups

ring r0 entries=4 flags=SQE128|CQE32|SINGLE_ISSUER|DEFER_TASKRUN
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
