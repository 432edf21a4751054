# SPDX-License-Identifier: Apache-2.0
# What is submitted after a drained group must wait until all of it has
# completed, the member that is done last included. The completion queue
# is full: every CQE goes to the overflow list.
# Written by cases/families, family drains.
name group-drain-holds-overflow
rules G8
needs groups

ring r0 entries=8 cq=8
pipe p0
buf b0 size=64

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
  early: nop
  leader: nop GROUP DRAIN
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  later: nop
submit r0
  latest: nop
feed p0.w 64 fill=9
wait r0
