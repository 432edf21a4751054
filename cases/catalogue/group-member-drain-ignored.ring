# SPDX-License-Identifier: Apache-2.0
# DRAIN on a member does not make it wait for the read ahead of the
# group, nor hold back what follows.
name group-member-drain-ignored
rules P4.2
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  leader: nop GROUP
  m1: nop DRAIN
  nop
wait r0 3
feed p0.w 64 fill=9
wait r0
