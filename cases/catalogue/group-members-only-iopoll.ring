# SPDX-License-Identifier: Apache-2.0
# The leader is done at once, and only members take their time. A kernel
# that completes the leader with its own work posts its CQE too early.
# Requests are reads that the kernel polls the device for.
# Written by cases/families, family order.
name group-members-only-iopoll
rules G3 G4 G10
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader: nop GROUP
  m1: read n0 b0 len=512 GROUP
  m2: read n0 b1 len=512 off=512 GROUP
  m3: nop
wait r0 1
wait r0
