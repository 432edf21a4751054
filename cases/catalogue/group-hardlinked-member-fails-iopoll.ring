# SPDX-License-Identifier: Apache-2.0
# A member fails, but the leader has HARDLINK: the chain must go on.
# Requests are reads that the kernel polls the device for.
# Written by cases/families, family failures.
name group-hardlinked-member-fails-iopoll
rules G6 G5
needs groups nop-inject null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  leader: read n0 b0 len=512 GROUP HARDLINK
  bad: nop inject=-EIO GROUP
  m2: nop
  next: nop
wait r0 1
wait r0
