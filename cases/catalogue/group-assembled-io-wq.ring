# SPDX-License-Identifier: Apache-2.0
# Two groups back to back between two requests of their own. A kernel
# that assembles them wrongly has somebody follow the wrong leader.
# Requests run in io-wq.
# Written by cases/families, family assembly.
name group-assembled-io-wq
rules G1 G4 G12
needs groups

ring r0 entries=8
file f0 size=4096 fill=21
file f1 size=4096 fill=22
file f2 size=4096 fill=23
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  before: nop
  leader0: read f0 b0 len=64 GROUP ASYNC
  m0: nop GROUP
  m1: read f1 b1 len=64 ASYNC
  leader1: nop GROUP
  m2: read f2 b2 len=64 ASYNC
  after: nop
wait r0 2
wait r0
