# SPDX-License-Identifier: Apache-2.0
# A member fails, and the leader has CQE_SKIP_SUCCESS. Where that marks
# the leader failed, its CQE must come, with its own result; elsewhere
# it stays hidden unless a chain is broken. Requests complete in task
# work.
# Written by cases/families, family revisions.
name group-hidden-leader-member-fails-task-work
rules G3 P7.7
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP SKIP
  bad: poll_add p1.r events=IN GROUP
  m2: nop
feed p0.w 64 fill=9
wait r0 1
cancel r0 bad timeout=1s
wait r0
