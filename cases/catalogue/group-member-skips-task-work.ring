# SPDX-License-Identifier: Apache-2.0
# A member has CQE_SKIP_SUCCESS: one revision hides its CQE, the other
# refuses the group. Requests complete in task work.
# Written by cases/families, family revisions.
name group-member-skips-task-work
rules P4.3 P7.3
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP SKIP
  m2: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
