# SPDX-License-Identifier: Apache-2.0
# The first member's opcode does not exist: it gets -EINVAL, the others
# run, the leader's own result stands.
name group-member-fails-prep-first
rules G4 P4.6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: op=255 GROUP
  m2: nop GROUP
  m3: nop
  nop
wait r0
