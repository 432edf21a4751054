# SPDX-License-Identifier: Apache-2.0
# A member of a linked group fails. The rest of the chain must be
# cancelled, and the leader keeps its own result. Requests are reads
# that the kernel polls the device for.
# Written by cases/families, family failures.
name group-linked-member-fails-iopoll
rules G6 P4.5 P7.7
needs groups nop-inject null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  leader: read n0 b0 len=512 GROUP LINK
  bad: nop inject=-EIO GROUP
  m2: nop
  next: nop LINK
  last: nop
wait r0 1
wait r0
