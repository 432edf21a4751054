# SPDX-License-Identifier: Apache-2.0
# A timeout that is a member is removed before it fires.
name group-timeout-remove
rules G4 G11
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP
  m1: timeout 1h0m0s GROUP
  m2: nop
wait r0 1
submit r0
  timeout_remove m1
wait r0
