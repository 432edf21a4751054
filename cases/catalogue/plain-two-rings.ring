# SPDX-License-Identifier: Apache-2.0
# Two rings of one process: what waits on one does not hold up the
# other.
name plain-two-rings
rules G12

ring r0 entries=4
ring r1 entries=4
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
submit r1
  nop LINK
  nop
wait r1
feed p0.w 64 fill=9
wait r0
