# SPDX-License-Identifier: Apache-2.0
# One call cancels everything that waits: two groups, one of them with a
# link behind it.
name group-cancel-any
rules G4 G6 G11
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=256

submit r0
  leader0: read p0.r b0 len=64 GROUP
  m0: read p1.r b0+64 len=64
  leader1: read p0.r b0+128 len=64 GROUP LINK
  m1: nop
  next: nop
  mark: nop
wait r0 1
cancel r0 flags=ALL|ANY timeout=1s
wait r0
