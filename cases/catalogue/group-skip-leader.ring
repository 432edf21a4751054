# SPDX-License-Identifier: Apache-2.0
# The leader skips its CQE: only the members' are posted.
name group-skip-leader
rules G3 P4.3
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP SKIP
  m1: nop GROUP
  m2: nop
wait r0
