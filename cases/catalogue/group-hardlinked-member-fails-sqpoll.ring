# SPDX-License-Identifier: Apache-2.0
# A member fails, but the leader has HARDLINK: the chain must go on. The
# kernel's thread submits; requests wait in an armed poll.
# Written by cases/families, family failures.
name group-hardlinked-member-fails-sqpoll
rules G6 G5
needs groups

ring r0 entries=8 flags=SQPOLL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP HARDLINK
  bad: read p1.r b1 len=64 GROUP
  m2: nop
  next: nop
feed p0.w 64 fill=9
wait r0 1
cancel r0 bad timeout=1s
wait r0
