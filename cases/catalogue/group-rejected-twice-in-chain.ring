# SPDX-License-Identifier: Apache-2.0
# Two elements of a chain are rejected, each has its own error.
name group-rejected-twice-in-chain
rules P7.2 G7
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP LINK
  m1: nop LINK
  next: op=99
wait r0
