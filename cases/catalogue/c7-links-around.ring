# SPDX-License-Identifier: Apache-2.0
# Link chains ahead of and behind a drained group: the sequence must
# count each of their requests once.
name c7-links-around
rules C7 G8
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  nop LINK
  read p0.r b0 len=64 LINK
  nop
  leader: nop GROUP DRAIN
  m1: nop GROUP
  m2: nop
  nop LINK
  nop LINK
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
