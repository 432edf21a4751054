# SPDX-License-Identifier: Apache-2.0
# The process executes itself anew while leader and member wait, which
# ends its rings. Everything must complete in bounded time, once.
# Requests wait in an armed poll until their pipe is fed.
# Written by cases/families, family endings.
name group-process-execs-poll
rules G11
needs groups

ring r0 entries=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  mark: nop
wait r0 1
exec
