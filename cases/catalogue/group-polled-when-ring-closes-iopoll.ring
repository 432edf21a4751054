# SPDX-License-Identifier: Apache-2.0
# The ring is closed while the kernel still has to poll for the requests
# of a group. Requests are reads that the kernel polls the device for.
# Written by cases/families, family endings.
name group-polled-when-ring-closes-iopoll
rules G11 G10
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader: read n0 b0 len=512 GROUP
  m1: read n0 b1 len=512 off=512 GROUP
  m2: nop
close r0
