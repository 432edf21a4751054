# SPDX-License-Identifier: Apache-2.0
# As the request ahead of the group fails, the chain is cancelled, and
# with its CQE_SKIP_SUCCESS no CQE of what is cancelled is shown: leader
# and members alike. Requests complete in task work.
# Written by cases/families, family failures.
name group-broken-ahead-hidden-task-work
rules G7
needs groups

ring r0 entries=8
pipe p0
pipe p1

submit r0
  bad: poll_add p0.r events=IN LINK SKIP
  leader: nop GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: nop
  mark: nop
wait r0 1
cancel r0 bad timeout=1s
wait r0
