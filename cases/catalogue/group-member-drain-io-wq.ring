# SPDX-License-Identifier: Apache-2.0
# A member has DRAIN. One revision ignores the flag: nothing waits and
# nothing is cancelled for it. The other refuses the group. Requests run
# in io-wq.
# Written by cases/families, family revisions.
name group-member-drain-io-wq
rules P4.2 P7.2
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  m1: read f1 b1 len=64 GROUP DRAIN ASYNC
  m2: nop
  mark: nop
wait r0 1
wait r0
