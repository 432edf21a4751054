# SPDX-License-Identifier: Apache-2.0
# The members are done, the leader waits on a pipe: the next link waits
# with it.
name group-chain-leader-holds-next
rules G5
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: nop
  next: nop
  mark: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
