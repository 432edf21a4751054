# SPDX-License-Identifier: Apache-2.0
# Only the leader asks for io-wq. It must run there, and its members
# must not be sent there with it. The kernel's thread submits; requests
# wait in an armed poll.
# Written by cases/families, family workers.
name group-async-for-leader-sqpoll
rules G9 P7.10
needs groups

ring r0 entries=8 flags=SQPOLL
file f0 size=4096 fill=21
pipe p0
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  m1: read p0.r b1 len=64 GROUP
  m2: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
