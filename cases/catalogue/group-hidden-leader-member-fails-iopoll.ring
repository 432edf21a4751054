# SPDX-License-Identifier: Apache-2.0
# A member fails, and the leader has CQE_SKIP_SUCCESS. Where that marks
# the leader failed, its CQE must come, with its own result; elsewhere
# it stays hidden unless a chain is broken. Requests are reads that the
# kernel polls the device for.
# Written by cases/families, family revisions.
name group-hidden-leader-member-fails-iopoll
rules G3 P7.7
needs groups nop-inject null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  leader: read n0 b0 len=512 GROUP SKIP
  bad: nop inject=-EIO GROUP
  m2: nop
wait r0 1
wait r0
