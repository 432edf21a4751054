# SPDX-License-Identifier: Apache-2.0
# As group-member-fails-prep-first, with the bad opcode in the middle.
name group-member-fails-prep-middle
rules G4 P4.6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: op=255 GROUP
  m3: nop
  nop
wait r0
