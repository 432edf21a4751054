# SPDX-License-Identifier: Apache-2.0
# One member skips its CQE.
name group-skip-member
rules G3 G4 P4.3
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP
  m1: nop GROUP SKIP
  m2: nop
wait r0
