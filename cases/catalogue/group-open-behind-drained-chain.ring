# SPDX-License-Identifier: Apache-2.0
# A drained chain and a group, both still open at the end of their
# submission. The chain must not wait for the group, which comes after
# it.
name group-open-behind-drained-chain
rules P4.8 I4
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  early: read p0.r b0 len=64
  head: nop LINK DRAIN
  next: nop LINK
  leader: nop GROUP
  m1: nop GROUP
  m2: nop GROUP
feed p0.w 64 fill=9
wait r0
