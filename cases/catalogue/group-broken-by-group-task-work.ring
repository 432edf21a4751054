# SPDX-License-Identifier: Apache-2.0
# A member of the first group fails, so that all of the second group is
# cancelled. Requests complete in task work.
# Written by cases/families, family failures.
name group-broken-by-group-task-work
rules G6 G7
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2

submit r0
  leader0: poll_add p0.r events=IN GROUP LINK
  m0: nop GROUP
  bad: poll_add p1.r events=IN
  leader1: nop GROUP
  m1: poll_add p2.r events=IN
feed p0.w 64 fill=9
wait r0 1
cancel r0 bad timeout=1s
wait r0
