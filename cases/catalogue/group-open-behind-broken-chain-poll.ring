# SPDX-License-Identifier: Apache-2.0
# The chain that is open ahead of an open group breaks. The group is
# none of its elements in one revision, and is cancelled in the other.
# Requests wait in an armed poll until their pipe is fed.
# Written by cases/families, family revisions.
name group-open-behind-broken-chain-poll
rules P4.8 P7.9
needs groups

ring r0 entries=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  bad: read p0.r b0 len=64 LINK
  leader: read p1.r b1 len=64 GROUP
  m1: nop GROUP
cancel r0 bad
feed p1.w 64 fill=10
wait r0
