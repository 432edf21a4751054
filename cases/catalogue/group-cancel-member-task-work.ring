# SPDX-License-Identifier: Apache-2.0
# A member is cancelled while it waits. The leader has done its work and
# completes with the group. Requests complete in task work.
# Written by cases/families, family endings.
name group-cancel-member-task-work
rules G11 G4
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: nop
feed p0.w 64 fill=9
wait r0 1
cancel r0 m1 timeout=1s
wait r0
