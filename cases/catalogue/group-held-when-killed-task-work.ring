# SPDX-License-Identifier: Apache-2.0
# The process is killed while a whole group waits for the link ahead of
# it, and another for a drain. Requests complete in task work.
# Written by cases/families, family endings.
name group-held-when-killed-task-work
rules G11 G5
needs groups

ring r0 entries=8
pipe p0
pipe p1

submit r0
  first: nop
  ahead: poll_add p0.r events=IN LINK
  leader0: nop GROUP
  m0: nop
  leader1: nop GROUP DRAIN
  m1: poll_add p1.r events=IN
wait r0 1
kill
