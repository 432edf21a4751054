# SPDX-License-Identifier: Apache-2.0
# The request ahead of the group fails. Every SQE of the group must
# complete with -ECANCELED, without being issued. Requests are reads
# that the kernel polls the device for.
# Written by cases/families, family failures.
name group-broken-ahead-iopoll
rules G7
needs groups nop-inject null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  bad: nop inject=-EIO LINK
  leader: nop GROUP LINK
  m1: read n0 b0 len=512 GROUP
  m2: read n0 b1 len=512 off=512
  next: nop
  mark: nop
wait r0 1
wait r0
