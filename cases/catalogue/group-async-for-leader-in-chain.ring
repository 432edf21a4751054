# SPDX-License-Identifier: Apache-2.0
# Only the leader asks for io-wq. It must run there, and its members
# must not be sent there with it. The group is part of a link chain.
# Written by cases/families, family workers.
name group-async-for-leader-in-chain
rules G9 P7.10
needs groups

ring r0 entries=8
file f0 size=4096 fill=21
pipe p0
buf b0 size=64
buf b1 size=64

submit r0
  nop LINK
  leader: read f0 b0 len=64 GROUP LINK ASYNC
  m1: read p0.r b1 len=64 GROUP
  m2: nop
  behind1: nop
wait r0 2
feed p0.w 64 fill=9
wait r0
