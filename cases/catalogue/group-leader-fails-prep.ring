# SPDX-License-Identifier: Apache-2.0
# The leader's opcode does not exist. Its members run; its CQE is the
# last and carries -EINVAL.
name group-leader-fails-prep
rules G4 P4.4
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: op=255 GROUP
  m1: nop GROUP
  m2: nop
  nop
wait r0
