# SPDX-License-Identifier: Apache-2.0
# The request ahead of a group is cancelled while it waits on a pipe.
name group-chain-broken-by-cancel
rules G7 G11
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  head: read p0.r b0 len=64 LINK
  leader: nop GROUP LINK
  m1: nop
  next: nop
submit r0
  async_cancel head
wait r0
