# SPDX-License-Identifier: Apache-2.0
# As the request ahead of the group fails, the chain is cancelled, and
# with its CQE_SKIP_SUCCESS no CQE of what is cancelled is shown: leader
# and members alike. Requests complete while they are submitted.
# Written by cases/families, family failures.
name group-broken-ahead-hidden-inline
rules G7
needs groups nop-inject

ring r0 entries=8

submit r0
  bad: nop inject=-EIO LINK SKIP
  leader: nop GROUP
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0 1
wait r0
