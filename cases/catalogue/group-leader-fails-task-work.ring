# SPDX-License-Identifier: Apache-2.0
# The leader of a group fails. Its members go their own way in one
# revision and are cancelled in the other. Requests complete in task
# work.
# Written by cases/families, family revisions.
name group-leader-fails-task-work
rules P4.4 P7.5
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: nop
  mark: nop
wait r0 1
cancel r0 leader timeout=1s
feed p1.w 64 fill=10
wait r0
