# SPDX-License-Identifier: Apache-2.0
# Plain requests behind a drained group, and ahead of it one that waits:
# neither the group nor they go ahead.
name c7-next-plain
rules C7 G8
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  ahead: read p0.r b0 len=64
  leader: nop GROUP DRAIN
  m1: nop GROUP
  m2: nop
  nop
  nop
feed p0.w 64 fill=9
wait r0
