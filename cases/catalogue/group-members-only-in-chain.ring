# SPDX-License-Identifier: Apache-2.0
# The leader is done at once, and only members take their time. A kernel
# that completes the leader with its own work posts its CQE too early.
# The group is part of a link chain.
# Written by cases/families, family order.
name group-members-only-in-chain
rules G3 G4 G10
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop LINK
  leader: nop GROUP LINK
  m1: read p0.r b0 len=64 GROUP
  m2: read p1.r b1 len=64 GROUP
  m3: nop
  behind1: nop
wait r0 2
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
