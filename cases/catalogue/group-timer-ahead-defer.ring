# SPDX-License-Identifier: Apache-2.0
# A timer is linked ahead of a group, and another group behind that:
# each starts in task work. DEFER_TASKRUN: timers complete when the task
# asks.
# Written by cases/families, family timeouts.
name group-timer-ahead-defer
rules G5
needs groups

ring r0 entries=8 flags=SINGLE_ISSUER|DEFER_TASKRUN

submit r0
  ahead: timeout 1ms flags=ETIME_SUCCESS LINK
  leader0: timeout 1ms flags=ETIME_SUCCESS GROUP LINK
  m0: nop
  leader1: nop GROUP
  m1: timeout 1ms flags=ETIME_SUCCESS
wait r0
