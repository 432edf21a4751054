# SPDX-License-Identifier: Apache-2.0
# The leader is a poll on an empty pipe, which completes by task work.
name group-poll-leader
rules G4 P4.1
needs groups

ring r0 entries=8
pipe p0

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0 1
feed p0.w 8
wait r0
