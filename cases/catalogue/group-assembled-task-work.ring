# SPDX-License-Identifier: Apache-2.0
# Two groups back to back between two requests of their own. A kernel
# that assembles them wrongly has somebody follow the wrong leader.
# Requests complete in task work.
# Written by cases/families, family assembly.
name group-assembled-task-work
rules G1 G4 G12
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2

submit r0
  before: nop
  leader0: poll_add p0.r events=IN GROUP
  m0: nop GROUP
  m1: poll_add p1.r events=IN
  leader1: nop GROUP
  m2: poll_add p2.r events=IN
  after: nop
wait r0 2
feed p1.w 64 fill=10
feed p0.w 64 fill=9
feed p2.w 64 fill=11
wait r0
