# SPDX-License-Identifier: Apache-2.0
# A drained group must wait for everything submitted earlier, a group
# among it. Requests complete in task work.
# Written by cases/families, family drains.
name group-drain-waits-task-work
rules G8
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2

submit r0
  early: poll_add p0.r events=IN
  leader0: nop GROUP
  m0: poll_add p1.r events=IN
  leader: nop GROUP DRAIN
  m1: poll_add p2.r events=IN
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p2.w 64 fill=11
wait r0
