# SPDX-License-Identifier: Apache-2.0
# A member of a linked group fails. The rest of the chain must be
# cancelled, and the leader keeps its own result. Requests run in io-wq.
# Written by cases/families, family failures.
name group-linked-member-fails-io-wq
rules G6 P4.5 P7.7
needs groups nop-inject

ring r0 entries=8
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  leader: read f0 b0 len=64 GROUP LINK ASYNC
  bad: nop inject=-EIO GROUP ASYNC
  m2: nop
  next: nop LINK
  last: nop
wait r0 1
wait r0
