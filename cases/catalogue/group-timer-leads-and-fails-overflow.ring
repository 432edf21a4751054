# SPDX-License-Identifier: Apache-2.0
# The leader is a timer, whose expiry is a failure, while its members
# take longer. The completion queue is full: every CQE goes to the
# overflow list.
# Written by cases/families, family timeouts.
name group-timer-leads-and-fails-overflow
rules P4.4 P7.5 G4
needs groups

ring r0 entries=4 cq=4

submit r0
  nop
  nop
  nop
  nop
submit r0
  leader: timeout 1ms GROUP
  m1: timeout 2ms flags=ETIME_SUCCESS GROUP
  m2: nop
wait r0
