# SPDX-License-Identifier: Apache-2.0
# A drained group with a hidden request behind it in its chain: what
# comes after the chain must not wait for a CQE that nobody posts.
name group-drain-skip-chain
rules G8
needs groups

ring r0 entries=16

submit r0
  early: nop
  leader: nop GROUP LINK DRAIN
  m1: nop
  hidden: nop SKIP
  later: nop
wait r0
submit r0
  last: nop
wait r0
