# SPDX-License-Identifier: Apache-2.0
# The leader is done at once, and only members take their time. A kernel
# that completes the leader with its own work posts its CQE too early.
# Requests complete in task work.
# Written by cases/families, family order.
name group-members-only-task-work
rules G3 G4 G10
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: nop GROUP
  m1: poll_add p0.r events=IN GROUP
  m2: poll_add p1.r events=IN GROUP
  m3: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
