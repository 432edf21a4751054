# SPDX-License-Identifier: Apache-2.0
# The drained group is itself linked to what follows: its own chain and
# the requests behind it both wait.
name c7-linked-drained
rules C7 G8 G5
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  nop
  leader: nop GROUP LINK DRAIN
  m1: read p0.r b0 len=64
  nop
  nop
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
