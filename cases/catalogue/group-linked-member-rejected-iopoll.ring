# SPDX-License-Identifier: Apache-2.0
# A member of a linked group is rejected while it is parsed. It keeps
# its own errno, the leader is cancelled, and with it what is linked
# behind; the revisions differ in the other members. Requests are reads
# that the kernel polls the device for.
# Written by cases/families, family revisions.
name group-linked-member-rejected-iopoll
rules P4.6 P7.6 G6
needs groups null-blk

ring r0 entries=8 flags=IOPOLL|SUBMIT_ALL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader: read n0 b0 len=512 GROUP LINK
  m1: read n0 b1 len=512 off=512 GROUP
  bad: op=99 GROUP
  m3: nop
  next: nop
  mark: nop
wait r0 1
wait r0
