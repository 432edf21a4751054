# SPDX-License-Identifier: Apache-2.0
# While a group is in flight, plain requests are submitted with it and
# after it. They complete as ever. Requests are reads that the kernel
# polls the device for.
# Written by cases/families, family neighbours.
name group-beside-requests-iopoll
rules G12
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512
buf b3 size=512

submit r0
  before: read n0 b0 len=512
  leader: read n0 b1 len=512 off=512 GROUP
  m1: read n0 b2 len=512 off=1024
  after: nop
submit r0
  late: read n0 b3 len=512 off=1536
  latest: nop
wait r0 3
wait r0
