# SPDX-License-Identifier: Apache-2.0
# A plain link has a bad opcode: the group behind it never starts.
name group-chain-broken-prep
rules G7
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  nop LINK
  op=255 LINK
  leader: nop GROUP
  m1: nop
wait r0
