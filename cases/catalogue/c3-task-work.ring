# SPDX-License-Identifier: Apache-2.0
# Members that complete by task work, the one submitted first at the
# end.
name c3-task-work
rules C3 G4
needs groups

ring r0 entries=8
pipe p0

submit r0
  leader: nop GROUP
  m1: timeout 20ms GROUP
  m2: poll_add p0.r events=IN GROUP
  m3: timeout 2ms
wait r0 1
feed p0.w 8
wait r0
