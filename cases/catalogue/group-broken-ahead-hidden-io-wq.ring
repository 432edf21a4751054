# SPDX-License-Identifier: Apache-2.0
# As the request ahead of the group fails, the chain is cancelled, and
# with its CQE_SKIP_SUCCESS no CQE of what is cancelled is shown: leader
# and members alike. Requests run in io-wq.
# Written by cases/families, family failures.
name group-broken-ahead-hidden-io-wq
rules G7
needs groups nop-inject

ring r0 entries=8
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  bad: nop inject=-EIO LINK ASYNC SKIP
  leader: nop GROUP
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: nop
  mark: nop
wait r0 1
wait r0
