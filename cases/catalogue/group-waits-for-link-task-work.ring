# SPDX-License-Identifier: Apache-2.0
# A request ahead in the chain takes its time. Nothing of the group
# behind it may be issued before it has completed. Requests complete in
# task work.
# Written by cases/families, family chains.
name group-waits-for-link-task-work
rules G5
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  ahead: poll_add p0.r events=IN LINK
  leader: nop GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
