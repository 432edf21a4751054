# SPDX-License-Identifier: Apache-2.0
# Two threads submit groups to one ring. Each submission is its own:
# what one thread leaves open ends there. Requests complete in task
# work.
# Written by cases/families, family neighbours.
name group-two-threads-task-work
rules G12 G2
needs groups

ring r0 entries=4
pipe p0
pipe p1
pipe p2
pipe p3

t1: submit r0 &
  leader0: poll_add p0.r events=IN GROUP
  m0: poll_add p1.r events=IN GROUP
submit r0
  leader1: poll_add p2.r events=IN GROUP
  m1: poll_add p3.r events=IN
  after: nop
join t1
feed p2.w 64 fill=11
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p3.w 64 fill=12
wait r0
