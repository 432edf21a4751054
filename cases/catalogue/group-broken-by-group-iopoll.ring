# SPDX-License-Identifier: Apache-2.0
# A member of the first group fails, so that all of the second group is
# cancelled. Requests are reads that the kernel polls the device for.
# Written by cases/families, family failures.
name group-broken-by-group-iopoll
rules G6 G7
needs groups nop-inject null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader0: read n0 b0 len=512 GROUP LINK
  m0: nop GROUP
  bad: nop inject=-EIO
  leader1: nop GROUP
  m1: read n0 b1 len=512 off=512
wait r0 1
wait r0
