# SPDX-License-Identifier: Apache-2.0
# A drained group must wait for everything submitted earlier, a group
# among it. Requests are reads that the kernel polls the device for.
# Written by cases/families, family drains.
name group-drain-waits-iopoll
rules G8
needs groups null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512

submit r0
  early: read n0 b0 len=512
  leader0: nop GROUP
  m0: read n0 b1 len=512 off=512
  leader: nop GROUP DRAIN
  m1: read n0 b2 len=512 off=1024
wait r0
