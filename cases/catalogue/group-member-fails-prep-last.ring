# SPDX-License-Identifier: Apache-2.0
# As group-member-fails-prep-first, with the bad opcode on the member
# that ends the group: it must end it all the same.
name group-member-fails-prep-last
rules G1 G4 P4.6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: nop GROUP
  m3: op=255
  nop
wait r0
