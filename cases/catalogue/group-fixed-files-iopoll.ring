# SPDX-License-Identifier: Apache-2.0
# Each request of a group names a registered file by its slot, and the
# slots are in another order than the requests. Requests are reads that
# the kernel polls the device for.
# Written by cases/families, family neighbours.
name group-fixed-files-iopoll
rules G13 G4
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512

register r0 files n0 n0 n0
submit r0
  leader: read 2 b2 len=512 off=1024 GROUP FIXED_FILE
  m1: read 1 b1 len=512 off=512 GROUP FIXED_FILE
  m2: read 0 b0 len=512 FIXED_FILE
wait r0
