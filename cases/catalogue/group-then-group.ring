# SPDX-License-Identifier: Apache-2.0
# Two groups linked to each other: the second one starts when all of the
# first one is done.
name group-then-group
rules G4 G5
needs groups

ring r0 entries=8

submit r0
  leader0: nop GROUP LINK
  m0: nop
  leader1: nop GROUP
  m1: nop GROUP
  m2: nop
wait r0
