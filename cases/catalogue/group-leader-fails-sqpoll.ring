# SPDX-License-Identifier: Apache-2.0
# The leader of a group fails. Its members go their own way in one
# revision and are cancelled in the other. The kernel's thread submits;
# requests wait in an armed poll.
# Written by cases/families, family revisions.
name group-leader-fails-sqpoll
rules P4.4 P7.5
needs groups

ring r0 entries=8 flags=SQPOLL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  mark: nop
wait r0 1
cancel r0 leader timeout=1s
feed p1.w 64 fill=10
wait r0
