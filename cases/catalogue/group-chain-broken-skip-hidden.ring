# SPDX-License-Identifier: Apache-2.0
# The failing request has SKIP: its CQE is shown, and none of those it
# cancels, be it a leader's, a member's or a plain one's.
name group-chain-broken-skip-hidden
rules G7
needs groups nop-inject

ring r0 entries=8

submit r0
  nop inject=-EIO LINK SKIP
  leader: nop GROUP LINK
  m1: nop GROUP SKIP
  m2: nop
  next: nop
wait r0
