# SPDX-License-Identifier: Apache-2.0
# The process is killed when the leader has done its work and a member
# still waits: the leader must go with the last of its group, not before
# and not never. Requests complete in task work.
# Written by cases/families, family endings.
name group-member-outlives-process-task-work
rules G11
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: nop
feed p0.w 64 fill=9
wait r0 1
kill
