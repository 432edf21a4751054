# SPDX-License-Identifier: Apache-2.0
# A group in the middle of a chain, with plain links on both sides.
name group-chain-middle
rules G4 G5
needs groups

ring r0 entries=8

submit r0
  nop LINK
  leader: nop GROUP LINK
  m1: nop GROUP
  m2: nop
  nop LINK
  nop
wait r0
