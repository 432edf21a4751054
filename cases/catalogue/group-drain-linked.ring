# SPDX-License-Identifier: Apache-2.0
# A drained group with a link behind it, after a request that waits.
name group-drain-linked
rules G5 G8
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  nop
  leader: nop GROUP LINK DRAIN
  m1: nop
  next: nop
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
