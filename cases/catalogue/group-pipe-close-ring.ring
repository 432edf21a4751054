# SPDX-License-Identifier: Apache-2.0
# The ring is closed while leader and member wait on pipes, a link waits
# for them and another group is done.
name group-pipe-close-ring
rules G11
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=128

submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: nop GROUP
  m2: read p1.r b0+64 len=64
  next: nop
  mark: nop
wait r0 1
close r0
