# SPDX-License-Identifier: Apache-2.0
# A member that can't be prepared and one with a flag that is the
# leader's, in both orders, alone and in a chain.
name group-two-wrongs
rules P7.2 P7.3
needs groups

ring r0 entries=32 flags=SUBMIT_ALL

submit r0
  l1: nop GROUP
  m1: nop flags=0x80 GROUP
  m2: nop LINK
  l2: nop GROUP SKIP
  m3: nop GROUP DRAIN
  m4: nop flags=0x80
  head: nop LINK
  l3: nop GROUP HARDLINK
  m5: nop GROUP SKIP
  m6: nop flags=0x80
  tail: nop
wait r0
