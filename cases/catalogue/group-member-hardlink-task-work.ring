# SPDX-License-Identifier: Apache-2.0
# A member has HARDLINK. One revision ignores the flag: nothing waits
# and nothing is cancelled for it. The other refuses the group. Requests
# complete in task work.
# Written by cases/families, family revisions.
name group-member-hardlink-task-work
rules P4.2 P7.2
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP HARDLINK
  m2: nop
  mark: nop
wait r0 1
feed p1.w 64 fill=10
feed p0.w 64 fill=9
wait r0
