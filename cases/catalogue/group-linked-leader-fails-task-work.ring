# SPDX-License-Identifier: Apache-2.0
# The leader of a linked group fails. What is linked behind the group
# must be cancelled; whether the members are is where the revisions
# differ. Requests complete in task work.
# Written by cases/families, family failures.
name group-linked-leader-fails-task-work
rules G6 P4.4 P7.5
needs groups

ring r0 entries=8
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP LINK
  m1: poll_add p1.r events=IN GROUP
  m2: nop
  next: nop
  mark: nop
wait r0 1
cancel r0 leader timeout=1s
feed p1.w 64 fill=10
wait r0
