# SPDX-License-Identifier: Apache-2.0
# The process executes itself anew while leader and member wait, which
# ends its rings. Everything must complete in bounded time, once.
# Requests complete in task work.
# Written by cases/families, family endings.
name group-process-execs-task-work
rules G11
needs groups

ring r0 entries=4
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: nop
  mark: nop
wait r0 1
exec
