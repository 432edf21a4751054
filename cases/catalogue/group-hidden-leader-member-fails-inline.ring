# SPDX-License-Identifier: Apache-2.0
# A member fails, and the leader has CQE_SKIP_SUCCESS. Where that marks
# the leader failed, its CQE must come, with its own result; elsewhere
# it stays hidden unless a chain is broken. Requests complete while they
# are submitted.
# Written by cases/families, family revisions.
name group-hidden-leader-member-fails-inline
rules G3 P7.7
needs groups nop-inject

ring r0 entries=4

submit r0
  leader: nop GROUP SKIP
  bad: nop inject=-EIO GROUP
  m2: nop
wait r0 1
wait r0
