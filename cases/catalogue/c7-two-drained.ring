# SPDX-License-Identifier: Apache-2.0
# Two drained groups with plain requests and a chain between them.
name c7-two-drained
rules C7 G8
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  nop
  nop GROUP DRAIN
  read p0.r b0 len=64
  nop
  nop LINK
  nop
  nop GROUP DRAIN
  nop GROUP
  nop
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
