# SPDX-License-Identifier: Apache-2.0
# What is submitted after a drained group must wait until all of it has
# completed, the member that is done last included. Requests complete in
# task work.
# Written by cases/families, family drains.
name group-drain-holds-task-work
rules G8
needs groups

ring r0 entries=8
pipe p0

submit r0
  early: nop
  leader: nop GROUP DRAIN
  m1: poll_add p0.r events=IN GROUP
  m2: nop
  later: nop
submit r0
  latest: nop
feed p0.w 64 fill=9
wait r0
