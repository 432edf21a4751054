# SPDX-License-Identifier: Apache-2.0
# A drained request waits for the pipe read ahead of it, and holds back
# what comes behind it.
name drain-plain
rules G12

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  nop
  nop DRAIN
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
