# SPDX-License-Identifier: Apache-2.0
# A group is still open when its submission ends, and the next
# submission begins while it is in flight. Had the group gone on, the
# second leader would follow the first. Requests are reads that the
# kernel polls the device for.
# Written by cases/families, family assembly.
name group-closed-by-submission-iopoll
rules G1 G2 G4
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512

submit r0
  leader0: read n0 b0 len=512 GROUP
  m0: read n0 b1 len=512 off=512 GROUP
submit r0
  leader1: read n0 b2 len=512 off=1024 GROUP
  m1: nop
  after: nop
wait r0 1
wait r0
