# SPDX-License-Identifier: Apache-2.0
# One call cancels everything on the ring. Everything must complete in
# bounded time, once. The group is part of a link chain.
# Written by cases/families, family endings.
name group-cancelled-whole-in-chain
rules G11
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop LINK
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  behind1: nop
  mark: nop
wait r0 2
cancel r0 flags=ALL|ANY timeout=1s
wait r0
