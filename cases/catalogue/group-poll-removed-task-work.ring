# SPDX-License-Identifier: Apache-2.0
# A member polls, and is removed by poll_remove: the group must
# complete. Requests complete in task work.
# Written by cases/families, family timeouts.
name group-poll-removed-task-work
rules G11
needs groups

ring r0 entries=4
pipe p0

submit r0
  leader: nop GROUP
  m1: poll_add p0.r events=IN GROUP
  m2: nop
wait r0 1
submit r0
  poll_remove m1
wait r0
