# SPDX-License-Identifier: Apache-2.0
# All of a linked group has CQE_SKIP_SUCCESS, and its last member fails.
# What it cancels is hidden as it is behind a plain request.
name group-hidden-breaks-chain
rules G6 G7 P4.5
needs groups nop-inject

ring r0 entries=16

submit r0
  leader: nop GROUP LINK SKIP
  m1: nop GROUP SKIP
  m2: nop inject=-EIO SKIP
  next: nop LINK
  nop GROUP
  nop
  mark: nop
wait r0
