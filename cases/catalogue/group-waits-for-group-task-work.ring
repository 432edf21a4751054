# SPDX-License-Identifier: Apache-2.0
# Group behind group: each request of the second depends on all of the
# first. The first's members are done after its leader. Requests
# complete in task work.
# Written by cases/families, family chains.
name group-waits-for-group-task-work
rules G5 G4 G14
needs groups

ring r0 entries=8
file f0 size=0
pipe p0
pipe p1
pipe p2
buf b0 size=64 fill=5
buf b1 size=64

submit r0
  leader0: poll_add p0.r events=IN GROUP LINK
  m0: poll_add p1.r events=IN GROUP
  m1: write f0 b0 len=64
  leader1: read f0 b1 len=64 GROUP
  m2: poll_add p2.r events=IN GROUP
  m3: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p2.w 64 fill=11
wait r0
