# SPDX-License-Identifier: Apache-2.0
# A poll that completes more than once, and one whose events change.
name plain-poll-update
rules G12

ring r0 entries=8
pipe p0
pipe p1

submit r0
  many: poll_add p0.r len=ADD_MULTI events=IN
  once: poll_add p1.r events=PRI
feed p0.w 1
wait r0 1
feed p0.w 1
wait r0 1
submit r0
  poll_remove once len=UPDATE_EVENTS events=IN
wait r0 1
feed p1.w 1
wait r0 1
submit r0
  poll_remove many
wait r0
