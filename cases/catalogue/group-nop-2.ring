# SPDX-License-Identifier: Apache-2.0
# The smallest group: a leader and one member, both NOPs. One CQE each,
# the leader's last.
name group-nop-2
rules G1 G3 G4 G10
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP
  member: nop
wait r0
