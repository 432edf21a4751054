# SPDX-License-Identifier: Apache-2.0
# The members have what they wait for before the leader has. Each
# reference must drop once, and the leader completes the group. Requests
# complete in task work.
# Written by cases/families, family order.
name group-members-ready-first-task-work
rules G3 G4 G10
needs groups

ring r0 entries=4
pipe p0
pipe p1
pipe p2

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: poll_add p2.r events=IN GROUP
  m3: nop
feed p2.w 64 fill=11
feed p1.w 64 fill=10
feed p0.w 64 fill=9
wait r0
