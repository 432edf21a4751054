# SPDX-License-Identifier: Apache-2.0
# Two groups back to back between two requests of their own. A kernel
# that assembles them wrongly has somebody follow the wrong leader.
# Requests are reads that the kernel polls the device for.
# Written by cases/families, family assembly.
name group-assembled-iopoll
rules G1 G4 G12
needs groups null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512

submit r0
  before: nop
  leader0: read n0 b0 len=512 GROUP
  m0: nop GROUP
  m1: read n0 b1 len=512 off=512
  leader1: nop GROUP
  m2: read n0 b2 len=512 off=1024
  after: nop
wait r0 2
wait r0
