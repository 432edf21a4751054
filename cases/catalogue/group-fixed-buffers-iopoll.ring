# SPDX-License-Identifier: Apache-2.0
# Each request of a group reads into a registered buffer of its own.
# Requests are reads that the kernel polls the device for.
# Written by cases/families, family neighbours.
name group-fixed-buffers-iopoll
rules G13 G4
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512

register r0 buffers b0 b1 b2
submit r0
  leader: read_fixed n0 b2 len=512 off=1024 index=2 GROUP
  m1: read_fixed n0 b1 len=512 off=512 index=1 GROUP
  m2: read_fixed n0 b0 len=512
wait r0
