# SPDX-License-Identifier: Apache-2.0
# The request ahead of the group fails. Every SQE of the group must
# complete with -ECANCELED, without being issued. The completion queue
# is full: every CQE goes to the overflow list.
# Written by cases/families, family failures.
name group-broken-ahead-overflow
rules G7
needs groups

ring r0 entries=8 cq=8
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

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
  bad: read p0.r b0 len=64 LINK
  leader: nop GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  m2: read p2.r b2 len=64
  next: nop
  mark: nop
cancel r0 bad timeout=1s
wait r0
