# SPDX-License-Identifier: Apache-2.0
# Three files get the same data, then each is read back: three requests
# that depend on three. Requests are reads that the kernel polls the
# device for.
# Written by cases/families, family copies.
name group-write-many-read-back-iopoll
rules G14 G5
needs groups null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512
buf b3 size=512

submit r0
  ahead: read n0 b0 len=512 off=1536 LINK
  w0: write n0 b0 len=512 GROUP LINK
  w1: write n0 b0 len=512 off=512 GROUP
  w2: write n0 b0 len=512 off=1024
  r0: read n0 b1 len=512 GROUP
  r1: read n0 b2 len=512 off=512 GROUP
  r2: read n0 b3 len=512 off=1024
wait r0
