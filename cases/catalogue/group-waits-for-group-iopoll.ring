# SPDX-License-Identifier: Apache-2.0
# Group behind group: each request of the second depends on all of the
# first. The first's members are done after its leader. Requests are
# reads that the kernel polls the device for.
# Written by cases/families, family chains.
name group-waits-for-group-iopoll
rules G5 G4 G14
needs groups null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512 fill=5
buf b1 size=512
buf b2 size=512
buf b3 size=512
buf b4 size=512

submit r0
  leader0: read n0 b1 len=512 off=512 GROUP LINK
  m0: read n0 b2 len=512 off=1024 GROUP
  m1: write n0 b0 len=512
  leader1: read n0 b3 len=512 GROUP
  m2: read n0 b4 len=512 off=1536 GROUP
  m3: nop
wait r0
