# SPDX-License-Identifier: Apache-2.0
# Two groups back to back between two requests of their own. A kernel
# that assembles them wrongly has somebody follow the wrong leader.
# Requests complete while they are submitted.
# Written by cases/families, family assembly.
name group-assembled-inline
rules G1 G4 G12
needs groups

ring r0 entries=8

submit r0
  before: nop
  leader0: nop GROUP
  m0: nop GROUP
  m1: nop
  leader1: nop GROUP
  m2: nop
  after: nop
wait r0 2
wait r0
