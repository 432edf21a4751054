# SPDX-License-Identifier: Apache-2.0
# A member has CQE_SKIP_SUCCESS: one revision hides its CQE, the other
# refuses the group. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-member-skips-io-wq
rules P4.3 P7.3
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  m1: read f1 b1 len=64 GROUP ASYNC SKIP
  m2: nop
wait r0
