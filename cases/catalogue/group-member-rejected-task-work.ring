# SPDX-License-Identifier: Apache-2.0
# A member of a group that is not linked is rejected while it is parsed.
# One revision runs the others, the other cancels them. Requests
# complete in task work.
# Written by cases/families, family revisions.
name group-member-rejected-task-work
rules P7.6 P4.6 G3
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  bad: op=99 GROUP
  m2: poll_add p1.r events=IN
  mark: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
