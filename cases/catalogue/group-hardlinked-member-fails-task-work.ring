# SPDX-License-Identifier: Apache-2.0
# A member fails, but the leader has HARDLINK: the chain must go on.
# Requests complete in task work.
# Written by cases/families, family failures.
name group-hardlinked-member-fails-task-work
rules G6 G5
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP HARDLINK
  bad: poll_add p1.r events=IN GROUP
  m2: nop
  next: nop
feed p0.w 64 fill=9
wait r0 1
cancel r0 bad timeout=1s
wait r0
