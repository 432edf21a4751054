# SPDX-License-Identifier: Apache-2.0
# The leader is a timer, whose expiry is a failure, while its members
# take longer. DEFER_TASKRUN: timers complete when the task asks.
# Written by cases/families, family timeouts.
name group-timer-leads-and-fails-defer
rules P4.4 P7.5 G4
needs groups

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN

submit r0
  leader: timeout 1ms GROUP
  m1: timeout 2ms flags=ETIME_SUCCESS GROUP
  m2: nop
wait r0
