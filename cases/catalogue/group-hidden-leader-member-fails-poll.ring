# SPDX-License-Identifier: Apache-2.0
# A member fails, and the leader has CQE_SKIP_SUCCESS. Where that marks
# the leader failed, its CQE must come, with its own result; elsewhere
# it stays hidden unless a chain is broken. Requests wait in an armed
# poll until their pipe is fed.
# Written by cases/families, family revisions.
name group-hidden-leader-member-fails-poll
rules G3 P7.7
needs groups

ring r0 entries=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP SKIP
  bad: read p1.r b1 len=64 GROUP
  m2: nop
feed p0.w 64 fill=9
wait r0 1
cancel r0 bad timeout=1s
wait r0
