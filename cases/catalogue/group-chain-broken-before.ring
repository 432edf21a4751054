# SPDX-License-Identifier: Apache-2.0
# The request ahead of a group fails: all of the group is cancelled, and
# what comes behind it too.
name group-chain-broken-before
rules G6 G7
needs groups nop-inject

ring r0 entries=8

submit r0
  nop inject=-EIO LINK
  leader: nop GROUP LINK
  m1: nop GROUP
  m2: nop
  next: nop
wait r0
