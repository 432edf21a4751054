# SPDX-License-Identifier: Apache-2.0
# The chain that is open ahead of an open group breaks. The group is
# none of its elements in one revision, and is cancelled in the other.
# Requests wait in an armed poll, and DEFER_TASKRUN completes them when
# the task asks.
# Written by cases/families, family revisions.
name group-open-behind-broken-chain-defer
rules P4.8 P7.9
needs groups

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
buf b0 size=64

submit r0
  bad: timeout 1ms LINK
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
feed p0.w 64 fill=9
wait r0
