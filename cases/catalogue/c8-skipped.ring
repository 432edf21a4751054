# SPDX-License-Identifier: Apache-2.0
# The leader posts no CQE: it must be freed once all the same, in the
# batch of its members and in a later one.
name c8-skipped
rules C8 G10
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  nop GROUP SKIP
  nop GROUP
  nop
  nop GROUP SKIP
  read p0.r b0 len=64
wait r0 2
feed p0.w 64 fill=9
wait r0
