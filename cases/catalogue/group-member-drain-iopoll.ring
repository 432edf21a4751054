# SPDX-License-Identifier: Apache-2.0
# A member has DRAIN. One revision ignores the flag: nothing waits and
# nothing is cancelled for it. The other refuses the group. Requests are
# reads that the kernel polls the device for.
# Written by cases/families, family revisions.
name group-member-drain-iopoll
rules P4.2 P7.2
needs groups null-blk

ring r0 entries=4 flags=IOPOLL|SUBMIT_ALL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader: read n0 b0 len=512 GROUP
  m1: read n0 b1 len=512 off=512 GROUP DRAIN
  m2: nop
  mark: nop
wait r0 1
wait r0
