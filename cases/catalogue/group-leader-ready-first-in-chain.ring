# SPDX-License-Identifier: Apache-2.0
# The leader has done its work before a member has. Its CQE must wait
# for that member's, and its memory as well. The group is part of a link
# chain.
# Written by cases/families, family order.
name group-leader-ready-first-in-chain
rules G3 G4 G10
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop LINK
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  behind1: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
