# SPDX-License-Identifier: Apache-2.0
# A link chain without any group breaks in its middle. Requests complete
# in task work.
# Written by cases/families, family neighbours.
name link-chain-broken-task-work
rules G12

ring r0 entries=4
pipe p0

submit r0
  first: poll_add p0.r events=IN LINK
  bad: timeout 1ms LINK
  third: nop
  mark: nop
feed p0.w 64 fill=9
wait r0
