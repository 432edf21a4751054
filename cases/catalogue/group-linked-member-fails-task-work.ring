# SPDX-License-Identifier: Apache-2.0
# A member of a linked group fails. The rest of the chain must be
# cancelled, and the leader keeps its own result. Requests complete in
# task work.
# Written by cases/families, family failures.
name group-linked-member-fails-task-work
rules G6 P4.5 P7.7
needs groups

ring r0 entries=8
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP LINK
  bad: poll_add p1.r events=IN GROUP
  m2: nop
  next: nop LINK
  last: nop
feed p0.w 64 fill=9
wait r0 1
cancel r0 bad timeout=1s
wait r0
