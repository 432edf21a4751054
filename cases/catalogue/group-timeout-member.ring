# SPDX-License-Identifier: Apache-2.0
# A member is a timeout that fires: the leader's CQE waits for it.
name group-timeout-member
rules G4 G10
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP
  m1: timeout 20ms GROUP
  m2: nop
wait r0
