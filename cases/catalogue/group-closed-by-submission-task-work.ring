# SPDX-License-Identifier: Apache-2.0
# A group is still open when its submission ends, and the next
# submission begins while it is in flight. Had the group gone on, the
# second leader would follow the first. Requests complete in task work.
# Written by cases/families, family assembly.
name group-closed-by-submission-task-work
rules G1 G2 G4
needs groups

ring r0 entries=4
pipe p0
pipe p1
pipe p2

submit r0
  leader0: poll_add p0.r events=IN GROUP
  m0: poll_add p1.r events=IN GROUP
submit r0
  leader1: poll_add p2.r events=IN GROUP
  m1: nop
  after: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p2.w 64 fill=11
wait r0
