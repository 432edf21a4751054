# SPDX-License-Identifier: Apache-2.0
# The leader is done at once, and only members take their time. A kernel
# that completes the leader with its own work posts its CQE too early.
# Requests run in io-wq.
# Written by cases/families, family order.
name group-members-only-io-wq
rules G3 G4 G10
needs groups

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: nop GROUP
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: read f1 b1 len=64 GROUP ASYNC
  m3: nop
wait r0 1
wait r0
