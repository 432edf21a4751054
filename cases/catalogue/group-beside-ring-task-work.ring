# SPDX-License-Identifier: Apache-2.0
# Two rings, each with a group. The second ring's must not wait for the
# first ring's. Requests complete in task work.
# Written by cases/families, family neighbours.
name group-beside-ring-task-work
rules G12
needs groups

ring r0 entries=4
ring r1 entries=4
pipe p0
pipe p1
pipe p2
pipe p3

submit r0
  leader0: poll_add p0.r events=IN GROUP
  m0: poll_add p1.r events=IN
submit r1
  leader1: poll_add p2.r events=IN GROUP
  m1: poll_add p3.r events=IN
feed p2.w 64 fill=11
feed p3.w 64 fill=12
wait r1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
