# SPDX-License-Identifier: Apache-2.0
# A chain with a drained group in it holds back what comes next. That is
# another group here, which is still open when the submission ends.
name group-open-held-by-chain
rules G2 G8 P4.8
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  head: nop LINK
  leader: nop GROUP LINK DRAIN
  m1: read p0.r b0 len=64
  open: nop GROUP
  m2: nop GROUP
feed p0.w 64 fill=9
wait r0
