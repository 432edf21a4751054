# SPDX-License-Identifier: Apache-2.0
# A member fails in the first of two linked groups: all of the second
# one is cancelled.
name group-linked-member-fails-group
rules G6 G7 P4.5
needs groups nop-inject

ring r0 entries=8

submit r0
  leader0: nop GROUP LINK
  m0: nop inject=-EIO
  leader1: nop GROUP
  m1: nop GROUP
  m2: nop
  nop
wait r0
