# SPDX-License-Identifier: Apache-2.0
# One read, then three files get what it read. Requests are reads that
# the kernel polls the device for.
# Written by cases/families, family copies.
name group-read-one-write-many-iopoll
rules G14 G5
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  ahead: read n0 b0 len=512 LINK
  leader: write n0 b0 len=512 off=512 GROUP
  m1: write n0 b0 len=512 off=1024 GROUP
  m2: write n0 b0 len=512 off=1536
wait r0
