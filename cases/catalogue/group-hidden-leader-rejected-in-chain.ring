# SPDX-License-Identifier: Apache-2.0
# A group with a hidden leader is rejected in a chain that is shown: all
# of it is shown then, leader and members alike.
name group-hidden-leader-rejected-in-chain
rules P7.6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  head: nop LINK
  leader: nop GROUP LINK SKIP
  m1: op=99 GROUP
  m2: nop
  next: nop
wait r0
