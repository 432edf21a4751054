# SPDX-License-Identifier: Apache-2.0
# The request linked behind a group must wait for the member that is
# done last, not only for the leader. Requests complete in task work.
# Written by cases/families, family chains.
name group-holds-link-task-work
rules G5
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP LINK
  m1: nop GROUP
  m2: poll_add p1.r events=IN
  next: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
