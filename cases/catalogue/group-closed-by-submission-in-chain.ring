# SPDX-License-Identifier: Apache-2.0
# A group is still open when its submission ends, and the next
# submission begins while it is in flight. Had the group gone on, the
# second leader would follow the first. The group is part of a link
# chain.
# Written by cases/families, family assembly.
name group-closed-by-submission-in-chain
rules G1 G2 G4
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  leader0: read p0.r b0 len=64 GROUP
  m0: read p1.r b1 len=64 GROUP
submit r0
  nop LINK
  leader1: read p2.r b2 len=64 GROUP LINK
  m1: nop
  behind1: nop
  after: nop
wait r0 2
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p2.w 64 fill=11
wait r0
