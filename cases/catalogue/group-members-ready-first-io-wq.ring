# SPDX-License-Identifier: Apache-2.0
# The members have what they wait for before the leader has. Each
# reference must drop once, and the leader completes the group. Requests
# run in io-wq.
# Written by cases/families, family order.
name group-members-ready-first-io-wq
rules G3 G4 G10
needs groups

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
file f2 size=4096 fill=23
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  m1: read f1 b1 len=64 GROUP ASYNC
  m2: read f2 b2 len=64 GROUP ASYNC
  m3: nop
wait r0
