# SPDX-License-Identifier: Apache-2.0
# The members have what they wait for before the leader has. Each
# reference must drop once, and the leader completes the group. The
# group is part of a link chain.
# Written by cases/families, family order.
name group-members-ready-first-in-chain
rules G3 G4 G10
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  nop LINK
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  m2: read p2.r b2 len=64 GROUP
  m3: nop
  behind1: nop
feed p2.w 64 fill=11
feed p1.w 64 fill=10
feed p0.w 64 fill=9
wait r0
