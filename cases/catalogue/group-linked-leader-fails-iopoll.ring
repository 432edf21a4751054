# SPDX-License-Identifier: Apache-2.0
# The leader of a linked group fails. What is linked behind the group
# must be cancelled; whether the members are is where the revisions
# differ. Requests are reads that the kernel polls the device for.
# Written by cases/families, family failures.
name group-linked-leader-fails-iopoll
rules G6 P4.4 P7.5
needs groups nop-inject null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  leader: nop inject=-EIO GROUP LINK
  m1: read n0 b0 len=512 GROUP
  m2: nop
  next: nop
  mark: nop
wait r0 1
wait r0
