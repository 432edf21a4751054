# SPDX-License-Identifier: Apache-2.0
# A member fails, but the leader has HARDLINK: the chain must go on.
# Requests run in io-wq.
# Written by cases/families, family failures.
name group-hardlinked-member-fails-io-wq
rules G6 G5
needs groups nop-inject

ring r0 entries=4
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  leader: read f0 b0 len=64 GROUP HARDLINK ASYNC
  bad: nop inject=-EIO GROUP ASYNC
  m2: nop
  next: nop
wait r0 1
wait r0
