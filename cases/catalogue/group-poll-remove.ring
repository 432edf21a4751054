# SPDX-License-Identifier: Apache-2.0
# Polls that are leader and member of a group are removed while they
# wait.
name group-poll-remove
rules G4 G11
needs groups

ring r0 entries=8
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: nop GROUP
  m2: poll_add p1.r events=IN
  mark: nop
wait r0 1
submit r0
  poll_remove m2
  poll_remove leader
wait r0
