# SPDX-License-Identifier: Apache-2.0
# A member fails, and the leader has CQE_SKIP_SUCCESS. Where that marks
# the leader failed, its CQE must come, with its own result; elsewhere
# it stays hidden unless a chain is broken. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-hidden-leader-member-fails-io-wq
rules G3 P7.7
needs groups nop-inject

ring r0 entries=4
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC SKIP
  bad: nop inject=-EIO GROUP ASYNC
  m2: nop
wait r0 1
wait r0
