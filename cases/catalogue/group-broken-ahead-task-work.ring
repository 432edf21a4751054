# SPDX-License-Identifier: Apache-2.0
# The request ahead of the group fails. Every SQE of the group must
# complete with -ECANCELED, without being issued. Requests complete in
# task work.
# Written by cases/families, family failures.
name group-broken-ahead-task-work
rules G7
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2

submit r0
  bad: poll_add p0.r events=IN LINK
  leader: nop GROUP LINK
  m1: poll_add p1.r events=IN GROUP
  m2: poll_add p2.r events=IN
  next: nop
  mark: nop
wait r0 1
cancel r0 bad timeout=1s
wait r0
