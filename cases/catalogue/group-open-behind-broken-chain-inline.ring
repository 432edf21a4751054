# SPDX-License-Identifier: Apache-2.0
# The chain that is open ahead of an open group breaks. The group is
# none of its elements in one revision, and is cancelled in the other.
# Requests complete while they are submitted.
# Written by cases/families, family revisions.
name group-open-behind-broken-chain-inline
rules P4.8 P7.9
needs groups nop-inject

ring r0 entries=4

submit r0
  bad: nop inject=-EIO LINK
  leader: nop GROUP
  m1: nop GROUP
wait r0
