# SPDX-License-Identifier: Apache-2.0
# The leader of the last group of a drained chain skips its CQE, which
# doesn't let what is behind the chain overtake it.
name group-drain-hidden-leader-last
rules G8
needs groups

ring r0 entries=8

submit r0
  l1: nop GROUP LINK DRAIN
  m1: nop
  l2: nop GROUP SKIP
  m2: nop
  nop
wait r0
