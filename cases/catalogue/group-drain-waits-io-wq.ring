# SPDX-License-Identifier: Apache-2.0
# A drained group must wait for everything submitted earlier, a group
# among it. Requests run in io-wq.
# Written by cases/families, family drains.
name group-drain-waits-io-wq
rules G8
needs groups

ring r0 entries=8
file f0 size=4096 fill=21
file f1 size=4096 fill=22
file f2 size=4096 fill=23
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  early: read f0 b0 len=64 ASYNC
  leader0: nop GROUP
  m0: read f1 b1 len=64 ASYNC
  leader: nop GROUP DRAIN
  m1: read f2 b2 len=64 ASYNC
wait r0
