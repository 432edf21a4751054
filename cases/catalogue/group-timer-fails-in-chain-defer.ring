# SPDX-License-Identifier: Apache-2.0
# A member is a timer, whose expiry is a failure. The chain must break
# in its task work. DEFER_TASKRUN: timers complete when the task asks.
# Written by cases/families, family timeouts.
name group-timer-fails-in-chain-defer
rules G6 P4.5 P7.7
needs groups

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN

submit r0
  leader: nop GROUP LINK
  bad: timeout 1ms GROUP
  m2: timeout 2ms flags=ETIME_SUCCESS
  next: nop
wait r0
