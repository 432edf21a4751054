# SPDX-License-Identifier: Apache-2.0
# A member of a linked group is rejected while it is parsed. It keeps
# its own errno, the leader is cancelled, and with it what is linked
# behind; the revisions differ in the other members. Requests complete
# in task work.
# Written by cases/families, family revisions.
name group-linked-member-rejected-task-work
rules P4.6 P7.6 G6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP LINK
  m1: poll_add p1.r events=IN GROUP
  bad: op=99 GROUP
  m3: nop
  next: nop
  mark: nop
wait r0 1
feed p1.w 64 fill=10
wait r0
