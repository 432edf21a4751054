# SPDX-License-Identifier: Apache-2.0
# A chain whose head drains: the whole chain waits, and so does the
# request behind it.
name drain-link
rules G12

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  nop
  nop LINK DRAIN
  nop
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
