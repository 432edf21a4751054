# SPDX-License-Identifier: Apache-2.0
# As the request ahead of the group fails, the chain is cancelled, and
# with its CQE_SKIP_SUCCESS no CQE of what is cancelled is shown: leader
# and members alike. Requests are reads that the kernel polls the device
# for.
# Written by cases/families, family failures.
name group-broken-ahead-hidden-iopoll
rules G7
needs groups nop-inject null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  bad: nop inject=-EIO LINK SKIP
  leader: nop GROUP
  m1: read n0 b0 len=512 GROUP
  m2: nop
  mark: nop
wait r0 1
wait r0
