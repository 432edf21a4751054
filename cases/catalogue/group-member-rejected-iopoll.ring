# SPDX-License-Identifier: Apache-2.0
# A member of a group that is not linked is rejected while it is parsed.
# One revision runs the others, the other cancels them. Requests are
# reads that the kernel polls the device for.
# Written by cases/families, family revisions.
name group-member-rejected-iopoll
rules P7.6 P4.6 G3
needs groups null-blk

ring r0 entries=4 flags=IOPOLL|SUBMIT_ALL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader: read n0 b0 len=512 GROUP
  bad: op=99 GROUP
  m2: read n0 b1 len=512 off=512
  mark: nop
wait r0 1
wait r0
