# SPDX-License-Identifier: Apache-2.0
# The failing request does not skip its CQE, so every cancelled one is
# shown: leader and member follow the same decision.
name group-chain-broken-skip
rules G7
needs groups nop-inject

ring r0 entries=8

submit r0
  nop inject=-EIO LINK
  leader: nop GROUP LINK SKIP
  m1: nop GROUP
  m2: nop SKIP
  next: nop SKIP
wait r0
