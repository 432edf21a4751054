# SPDX-License-Identifier: Apache-2.0
# The members have what they wait for before the leader has. Each
# reference must drop once, and the leader completes the group. Requests
# are reads that the kernel polls the device for.
# Written by cases/families, family order.
name group-members-ready-first-iopoll
rules G3 G4 G10
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512

submit r0
  leader: read n0 b0 len=512 GROUP
  m1: read n0 b1 len=512 off=512 GROUP
  m2: read n0 b2 len=512 off=1024 GROUP
  m3: nop
wait r0
