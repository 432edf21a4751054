# SPDX-License-Identifier: Apache-2.0
# The leader runs in io-wq and is the last to be done: its CQE comes
# once, and the request behind the group only after it.
name c4-leader-last
rules C4 G3 G5
needs groups

ring r0 entries=16

submit r0
  leader: nop GROUP LINK ASYNC
  m1: nop GROUP
  m2: nop
  next: nop
wait r0
submit r0
  nop GROUP LINK ASYNC
  nop
  nop GROUP
  nop
wait r0
