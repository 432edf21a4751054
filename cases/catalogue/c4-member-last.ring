# SPDX-License-Identifier: Apache-2.0
# A member in io-wq is the last to be done: it drops the reference that
# completes the leader.
name c4-member-last
rules C4 G3 G5
needs groups

ring r0 entries=16

submit r0
  leader: nop GROUP LINK
  m1: nop GROUP
  m2: nop ASYNC
  next: nop
wait r0
submit r0
  nop GROUP LINK
  nop GROUP ASYNC
  nop ASYNC
  nop GROUP
  nop
wait r0
