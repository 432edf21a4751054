# SPDX-License-Identifier: Apache-2.0
# A request cancels the leader by its user_data. Everything must
# complete in bounded time, once. The group is part of a link chain.
# Written by cases/families, family endings.
name group-cancelled-by-sqe-in-chain
rules G11
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop LINK
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  behind1: nop
  mark: nop
wait r0 2
submit r0
  async_cancel leader
feed p1.w 64 fill=10
wait r0
