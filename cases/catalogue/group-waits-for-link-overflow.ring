# SPDX-License-Identifier: Apache-2.0
# A request ahead in the chain takes its time. Nothing of the group
# behind it may be issued before it has completed. The completion queue
# is full: every CQE goes to the overflow list.
# Written by cases/families, family chains.
name group-waits-for-link-overflow
rules G5
needs groups

ring r0 entries=4 cq=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  ahead: read p0.r b0 len=64 LINK
  leader: nop GROUP
  m1: read p1.r b1 len=64 GROUP
  m2: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
