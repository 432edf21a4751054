# SPDX-License-Identifier: Apache-2.0
# Two rings, each with a group. The second ring's must not wait for the
# first ring's. Requests are reads that the kernel polls the device for.
# Written by cases/families, family neighbours.
name group-beside-ring-iopoll
rules G12
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
ring r1 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512
buf b3 size=512

submit r0
  leader0: read n0 b0 len=512 GROUP
  m0: read n0 b1 len=512 off=512
submit r1
  leader1: read n0 b2 len=512 off=1024 GROUP
  m1: read n0 b3 len=512 off=1536
wait r1
wait r0
