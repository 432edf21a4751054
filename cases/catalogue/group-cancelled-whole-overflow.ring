# SPDX-License-Identifier: Apache-2.0
# One call cancels everything on the ring. Everything must complete in
# bounded time, once. The completion queue is full: every CQE goes to
# the overflow list.
# Written by cases/families, family endings.
name group-cancelled-whole-overflow
rules G11
needs groups

ring r0 entries=4 cq=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  mark: nop
cancel r0 flags=ALL|ANY timeout=1s
wait r0
