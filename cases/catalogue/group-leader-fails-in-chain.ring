# SPDX-License-Identifier: Apache-2.0
# The leader of a group fails. Its members go their own way in one
# revision and are cancelled in the other. The group is part of a link
# chain.
# Written by cases/families, family revisions.
name group-leader-fails-in-chain
rules P4.4 P7.5
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
  mark: nop
wait r0 2
cancel r0 leader timeout=1s
feed p1.w 64 fill=10
wait r0
