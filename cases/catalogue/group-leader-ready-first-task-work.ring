# SPDX-License-Identifier: Apache-2.0
# The leader has done its work before a member has. Its CQE must wait
# for that member's, and its memory as well. Requests complete in task
# work.
# Written by cases/families, family order.
name group-leader-ready-first-task-work
rules G3 G4 G10
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
