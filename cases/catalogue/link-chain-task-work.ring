# SPDX-License-Identifier: Apache-2.0
# A link chain without any group, and requests beside it: a kernel with
# groups must do what one without does. Requests complete in task work.
# Written by cases/families, family neighbours.
name link-chain-task-work
rules G12

ring r0 entries=4
pipe p0
pipe p1
pipe p2

submit r0
  first: poll_add p0.r events=IN LINK
  second: poll_add p1.r events=IN LINK
  third: nop
  beside: poll_add p2.r events=IN
feed p2.w 64 fill=11
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
