# SPDX-License-Identifier: Apache-2.0
# A member of the first group fails, so that all of the second group is
# cancelled. Requests complete while they are submitted.
# Written by cases/families, family failures.
name group-broken-by-group-inline
rules G6 G7
needs groups nop-inject

ring r0 entries=8

submit r0
  leader0: nop GROUP LINK
  m0: nop GROUP
  bad: nop inject=-EIO
  leader1: nop GROUP
  m1: nop
wait r0 1
wait r0
