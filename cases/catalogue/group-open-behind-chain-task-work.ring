# SPDX-License-Identifier: Apache-2.0
# A link chain is open when a group begins that the end of the
# submission closes. In one revision the group comes after the chain, in
# the other it is its last element. Requests complete in task work.
# Written by cases/families, family revisions.
name group-open-behind-chain-task-work
rules G2 P4.8 P7.9
needs groups

ring r0 entries=4
pipe p0
pipe p1
pipe p2

submit r0
  ahead: poll_add p0.r events=IN LINK
  second: poll_add p1.r events=IN LINK
  leader: poll_add p2.r events=IN GROUP
  m1: nop GROUP
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p2.w 64 fill=11
wait r0
