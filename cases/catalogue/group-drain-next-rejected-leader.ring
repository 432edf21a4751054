# SPDX-License-Identifier: Apache-2.0
# The leader behind a drained group is rejected for its opcode. If its
# member runs, it waits for the drained group all the same.
name group-drain-next-rejected-leader
rules G8
needs groups

ring r0 entries=8

submit r0
  l1: nop GROUP DRAIN
  m1: nop
  l2: op=99 GROUP
  m2: nop
wait r0
