# SPDX-License-Identifier: Apache-2.0
# A group behind a read that waits on a pipe: leader and members start
# when it is done, and not before.
name group-chain-held-group
rules G5
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64 LINK
  leader: nop GROUP
  m1: nop GROUP
  m2: nop
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
