# SPDX-License-Identifier: Apache-2.0
# The leader has done its work before a member has. Its CQE must wait
# for that member's, and its memory as well. Requests run in io-wq.
# Written by cases/families, family order.
name group-leader-ready-first-io-wq
rules G3 G4 G10
needs groups

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  m1: read f1 b1 len=64 GROUP ASYNC
  m2: nop
wait r0
