# SPDX-License-Identifier: Apache-2.0
# While a group is in flight, plain requests are submitted with it and
# after it. They complete as ever. Requests complete in task work.
# Written by cases/families, family neighbours.
name group-beside-requests-task-work
rules G12
needs groups

ring r0 entries=4
pipe p0
pipe p1
pipe p2
pipe p3

submit r0
  before: poll_add p0.r events=IN
  leader: poll_add p1.r events=IN GROUP
  m1: poll_add p2.r events=IN
  after: nop
submit r0
  late: poll_add p3.r events=IN
  latest: nop
feed p3.w 64 fill=12
feed p0.w 64 fill=9
wait r0 3
feed p2.w 64 fill=11
feed p1.w 64 fill=10
wait r0
