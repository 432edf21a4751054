# SPDX-License-Identifier: Apache-2.0
# A member is a poll on an empty pipe: the leader's CQE waits for it.
name group-poll-member
rules G4 G10
needs groups

ring r0 entries=8
pipe p0

submit r0
  leader: nop GROUP
  m1: poll_add p0.r events=IN GROUP
  m2: nop
wait r0 1
feed p0.w 8
wait r0
