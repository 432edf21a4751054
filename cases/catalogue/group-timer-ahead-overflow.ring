# SPDX-License-Identifier: Apache-2.0
# A timer is linked ahead of a group, and another group behind that:
# each starts in task work. The completion queue is full: every CQE goes
# to the overflow list.
# Written by cases/families, family timeouts.
name group-timer-ahead-overflow
rules G5
needs groups

ring r0 entries=8 cq=8

submit r0
  nop
  nop
  nop
  nop
  nop
  nop
  nop
  nop
submit r0
  ahead: timeout 1ms flags=ETIME_SUCCESS LINK
  leader0: timeout 1ms flags=ETIME_SUCCESS GROUP LINK
  m0: nop
  leader1: nop GROUP
  m1: timeout 1ms flags=ETIME_SUCCESS
wait r0
