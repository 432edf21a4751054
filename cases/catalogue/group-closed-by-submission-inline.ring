# SPDX-License-Identifier: Apache-2.0
# A group is still open when its submission ends, and the next
# submission begins while it is in flight. Had the group gone on, the
# second leader would follow the first. Requests complete while they are
# submitted.
# Written by cases/families, family assembly.
name group-closed-by-submission-inline
rules G1 G2 G4
needs groups

ring r0 entries=4

submit r0
  leader0: nop GROUP
  m0: nop GROUP
submit r0
  leader1: nop GROUP
  m1: nop
  after: nop
wait r0 1
wait r0
