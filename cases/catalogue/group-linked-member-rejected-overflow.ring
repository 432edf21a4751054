# SPDX-License-Identifier: Apache-2.0
# A member of a linked group is rejected while it is parsed. It keeps
# its own errno, the leader is cancelled, and with it what is linked
# behind; the revisions differ in the other members. The completion
# queue is full: every CQE goes to the overflow list.
# Written by cases/families, family revisions.
name group-linked-member-rejected-overflow
rules P4.6 P7.6 G6
needs groups

ring r0 entries=8 cq=8 flags=SUBMIT_ALL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop
  nop
  nop
  nop
  nop
  nop
  nop
  nop
submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  bad: op=99 GROUP
  m3: nop
  next: nop
  mark: nop
feed p1.w 64 fill=10
wait r0
