# SPDX-License-Identifier: Apache-2.0
# A link chain without any group breaks in its middle. Requests complete
# in task work.
# Written by cases/families, family neighbours.
name link-chain-broken-task-work
rules G12

ring r0 entries=4
pipe p0
pipe p1

submit r0
  first: poll_add p0.r events=IN LINK
  bad: poll_add p1.r events=IN LINK
  third: nop
  mark: nop
feed p0.w 64 fill=9
wait r0 2
submit r0
  more: nop
wait r0 1
cancel r0 bad timeout=1s
wait r0
