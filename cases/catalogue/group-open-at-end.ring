# SPDX-License-Identifier: Apache-2.0
# No SQE ends the group: the end of the submission does.
name group-open-at-end
rules G1 G2 G4 P4.8
needs groups

ring r0 entries=4

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: nop GROUP
wait r0
