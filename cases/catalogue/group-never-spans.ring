# SPDX-License-Identifier: Apache-2.0
# A group left open by one submission takes nothing of the next one,
# whose first SQE is a leader of its own, or a plain request.
name group-never-spans
rules G1 G2 G4
needs groups

ring r0 entries=4

submit r0
  leader0: nop GROUP
  m0: nop GROUP
submit r0
  leader1: nop GROUP
  m1: nop
submit r0
  leader2: nop GROUP
  m2: nop GROUP
submit r0
  nop
wait r0
