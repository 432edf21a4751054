# SPDX-License-Identifier: Apache-2.0
# A member has CQE_SKIP_SUCCESS: one revision hides its CQE, the other
# refuses the group. The completion queue is full: every CQE goes to the
# overflow list.
# Written by cases/families, family revisions.
name group-member-skips-overflow
rules P4.3 P7.3
needs groups

ring r0 entries=4 cq=4 flags=SUBMIT_ALL
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
  leader: read p0.r b0 len=64 GROUP
  m1: read p1.r b1 len=64 GROUP SKIP
  m2: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
