# SPDX-License-Identifier: Apache-2.0
# A group is still open when its submission ends, and the next
# submission begins while it is in flight. Had the group gone on, the
# second leader would follow the first. Requests run in io-wq.
# Written by cases/families, family assembly.
name group-closed-by-submission-io-wq
rules G1 G2 G4
needs groups

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
file f2 size=4096 fill=23
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  leader0: read f0 b0 len=64 GROUP ASYNC
  m0: read f1 b1 len=64 GROUP ASYNC
submit r0
  leader1: read f2 b2 len=64 GROUP ASYNC
  m1: nop
  after: nop
wait r0 1
wait r0
