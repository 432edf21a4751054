# SPDX-License-Identifier: Apache-2.0
# A group that waits on a pipe does not hold up plain requests and links
# around it, before or after.
name group-beside-plain
rules G12
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  nop
  leader: read p0.r b0 len=64 GROUP
  m1: nop
  nop
  nop LINK
  nop
wait r0 4
feed p0.w 64 fill=9
wait r0
