# SPDX-License-Identifier: Apache-2.0
# A member fails, but the leader has HARDLINK: the chain must go on. The
# completion queue is full: every CQE goes to the overflow list.
# Written by cases/families, family failures.
name group-hardlinked-member-fails-overflow
rules G6 G5
needs groups

ring r0 entries=4 cq=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  leader: read p0.r b0 len=64 GROUP HARDLINK
  bad: read p1.r b1 len=64 GROUP
  m2: nop
  next: nop
feed p0.w 64 fill=9
cancel r0 bad timeout=1s
wait r0
