# SPDX-License-Identifier: Apache-2.0
# Each request of a group has its own file, offset and buffer. Data that
# went by another's differs from what is expected. Requests complete in
# task work.
# Written by cases/families, family neighbours.
name group-own-files-task-work
rules G13 G4
needs groups

ring r0 entries=4
pipe p0
pipe p1
pipe p2
pipe p3

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: poll_add p2.r events=IN GROUP
  m3: poll_add p3.r events=IN
feed p3.w 64 fill=12
feed p0.w 64 fill=9
feed p2.w 64 fill=11
feed p1.w 64 fill=10
wait r0
