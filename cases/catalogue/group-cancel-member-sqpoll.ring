# SPDX-License-Identifier: Apache-2.0
# A member is cancelled while it waits. The leader has done its work and
# completes with the group. The kernel's thread submits; requests wait
# in an armed poll.
# Written by cases/families, family endings.
name group-cancel-member-sqpoll
rules G11 G4
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
feed p0.w 64 fill=9
wait r0 1
cancel r0 m1 timeout=1s
wait r0
