# SPDX-License-Identifier: Apache-2.0
# A member of a drained group waits: the requests behind it are held
# back until it has completed.
name c7-member-waits
rules C7 G8
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  ahead: nop
  leader: nop GROUP DRAIN
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  nop
  nop
wait r0 2
feed p0.w 64 fill=9
wait r0
