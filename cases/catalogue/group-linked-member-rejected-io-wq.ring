# SPDX-License-Identifier: Apache-2.0
# A member of a linked group is rejected while it is parsed. It keeps
# its own errno, the leader is cancelled, and with it what is linked
# behind; the revisions differ in the other members. Requests run in
# io-wq.
# Written by cases/families, family revisions.
name group-linked-member-rejected-io-wq
rules P4.6 P7.6 G6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP LINK ASYNC
  m1: read f1 b1 len=64 GROUP ASYNC
  bad: op=99 GROUP
  m3: nop
  next: nop
  mark: nop
wait r0 1
wait r0
