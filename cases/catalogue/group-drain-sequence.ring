# SPDX-License-Identifier: Apache-2.0
# Groups, links and drains in one batch: the sequence must count each
# SQE once, or a drained request starts too early or never.
name group-drain-sequence
rules G8
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  nop
  leader0: nop GROUP
  m0: nop GROUP
  m1: nop
  nop LINK
  nop
  nop DRAIN
  read p0.r b0 len=64
  leader1: nop GROUP DRAIN
  m2: nop
  nop
  nop DRAIN
wait r0 7
feed p0.w 64 fill=9
wait r0
