# SPDX-License-Identifier: Apache-2.0
# The leader is a timer of a minute that a request removes: the group
# must complete at once. The completion queue is full: every CQE goes to
# the overflow list.
# Written by cases/families, family timeouts.
name group-timer-removed-overflow
rules G11 G4
needs groups

ring r0 entries=4 cq=4

submit r0
  nop
  nop
  nop
  nop
submit r0
  leader: timeout 1m0s GROUP
  m1: nop GROUP
  m2: timeout 1ms flags=ETIME_SUCCESS
  mark: nop
submit r0
  timeout_remove leader
wait r0
