# SPDX-License-Identifier: Apache-2.0
# The leader waits until it is let go. Members that run beside it are
# issued before that, members that run after it only then. Requests
# complete in task work.
# Written by cases/families, family revisions.
name group-beside-its-leader-task-work
rules P4.1 P7.1
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: nop GROUP
  m2: poll_add p1.r events=IN
  mark: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
