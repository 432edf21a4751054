# SPDX-License-Identifier: Apache-2.0
# A chain that is still open, and behind it a group that is still open
# when the submission ends: the group comes after the chain.
name group-open-after-chain
rules G2 G4 P4.8
needs groups

ring r0 entries=4

submit r0
  nop LINK
  nop LINK
  leader: nop GROUP
  m1: nop GROUP
wait r0
