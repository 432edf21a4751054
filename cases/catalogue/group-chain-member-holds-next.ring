# SPDX-License-Identifier: Apache-2.0
# The leader is done, one member waits on a pipe: the next link waits
# for the member.
name group-chain-member-holds-next
rules G5
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP LINK
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  next: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
