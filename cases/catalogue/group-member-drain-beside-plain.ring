# SPDX-License-Identifier: Apache-2.0
# IOSQE_IO_DRAIN on a member has no effect on what comes behind the
# group, be it ignored or refused.
name group-member-drain-beside-plain
rules G12 P4.2 P7.2
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  early: read p0.r b0 len=64
  leader: nop GROUP
  m1: nop GROUP DRAIN
  m2: nop
  later: nop
wait r0 4
feed p0.w 64 fill=9
wait r0
