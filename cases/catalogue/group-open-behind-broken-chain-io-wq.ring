# SPDX-License-Identifier: Apache-2.0
# The chain that is open ahead of an open group breaks. The group is
# none of its elements in one revision, and is cancelled in the other.
# Requests run in io-wq.
# Written by cases/families, family revisions.
name group-open-behind-broken-chain-io-wq
rules P4.8 P7.9
needs groups nop-inject

ring r0 entries=4
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  bad: nop inject=-EIO LINK ASYNC
  leader: read f0 b0 len=64 GROUP ASYNC
  m1: nop GROUP
wait r0
