# SPDX-License-Identifier: Apache-2.0
# A drained group in a chain, one of whose members has CQE_SKIP_SUCCESS.
# What comes after the chain must wait for the group all the same, and
# not for a CQE that nobody posts.
name group-drain-hidden-member
rules G8 P4.3
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  head: nop LINK
  leader: nop GROUP LINK DRAIN
  m1: nop GROUP SKIP
  m2: read p0.r b0 len=64
  last: nop
  later: nop
feed p0.w 64 fill=9
wait r0
