# SPDX-License-Identifier: Apache-2.0
# The leader of a linked group fails. What is linked behind the group
# must be cancelled; whether the members are is where the revisions
# differ. The kernel's thread submits; requests wait in an armed poll.
# Written by cases/families, family failures.
name group-linked-leader-fails-sqpoll
rules G6 P4.4 P7.5
needs groups

ring r0 entries=16 flags=SQPOLL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  next: nop
  mark: nop
wait r0 1
cancel r0 leader timeout=1s
feed p1.w 64 fill=10
wait r0
