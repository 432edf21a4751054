# SPDX-License-Identifier: Apache-2.0
# The chain that is open ahead of an open group breaks. The group is
# none of its elements in one revision, and is cancelled in the other.
# Requests complete in task work.
# Written by cases/families, family revisions.
name group-open-behind-broken-chain-task-work
rules P4.8 P7.9
needs groups

ring r0 entries=4
pipe p0

submit r0
  bad: timeout 1ms LINK
  leader: poll_add p0.r events=IN GROUP
  m1: nop GROUP
feed p0.w 64 fill=9
wait r0
