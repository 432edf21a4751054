# SPDX-License-Identifier: Apache-2.0
# The leader waits for a pipe. Where members run in parallel they are
# done long before it; where they come after it, they cannot be.
name c8-members-first
rules C8 G10
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: nop
feed p0.w 64 fill=9
wait r0
