# SPDX-License-Identifier: Apache-2.0
# The leader is a timeout that fires when the members are long done.
name group-timeout-leader
rules G4 P4.1
needs groups

ring r0 entries=8

submit r0
  leader: timeout 20ms GROUP
  m1: nop GROUP
  m2: nop
wait r0
