# SPDX-License-Identifier: Apache-2.0
# The leader is done at once, its members later: it is completed by a
# batch that it is not in.
name c8-later-batch
rules C8 G10
needs groups

ring r0 entries=16
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop GROUP
  read p0.r b0 len=64
  nop GROUP
  nop GROUP
  read p1.r b1 len=64
wait r0 1
feed p0.w 64 fill=8
wait r0 2
feed p1.w 64 fill=9
wait r0
