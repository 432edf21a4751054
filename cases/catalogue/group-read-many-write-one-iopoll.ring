# SPDX-License-Identifier: Apache-2.0
# Three reads into one buffer, then one write of all. A write that came
# too early writes what was not yet read. Requests are reads that the
# kernel polls the device for.
# Written by cases/families, family copies.
name group-read-many-write-one-iopoll
rules G14 G5
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=1536

submit r0
  leader: read n0 b0 len=512 off=1536 GROUP LINK
  m1: read n0 b0+512 len=512 off=2048 GROUP
  m2: read n0 b0+1024 len=512 off=2560
  next: write n0 b0 len=1536
wait r0
