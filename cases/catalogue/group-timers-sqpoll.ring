# SPDX-License-Identifier: Apache-2.0
# Leader and members are timers of different lengths that count their
# expiry as success. The leader's CQE is the last, though its time is
# over first. The kernel's thread submits the timers.
# Written by cases/families, family timeouts.
name group-timers-sqpoll
rules G3 G4 G10
needs groups

ring r0 entries=8 flags=SQPOLL

submit r0
  leader: timeout 1ms flags=ETIME_SUCCESS GROUP
  m1: timeout 3ms flags=ETIME_SUCCESS GROUP
  m2: timeout 2ms flags=ETIME_SUCCESS
wait r0
