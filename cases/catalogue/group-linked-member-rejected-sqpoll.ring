# SPDX-License-Identifier: Apache-2.0
# A member of a linked group is rejected while it is parsed. It keeps
# its own errno, the leader is cancelled, and with it what is linked
# behind; the revisions differ in the other members. The kernel's thread
# submits; requests wait in an armed poll.
# Written by cases/families, family revisions.
name group-linked-member-rejected-sqpoll
rules P4.6 P7.6 G6
needs groups

ring r0 entries=16 flags=SQPOLL|SUBMIT_ALL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  bad: op=99 GROUP
  m3: nop
  next: nop
  mark: nop
wait r0 1
feed p1.w 64 fill=10
wait r0
