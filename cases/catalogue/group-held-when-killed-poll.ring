# SPDX-License-Identifier: Apache-2.0
# The process is killed while a whole group waits for the link ahead of
# it, and another for a drain. Requests wait in an armed poll until
# their pipe is fed.
# Written by cases/families, family endings.
name group-held-when-killed-poll
rules G11 G5
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  first: nop
  ahead: read p0.r b0 len=64 LINK
  leader0: nop GROUP
  m0: nop
  leader1: nop GROUP DRAIN
  m1: read p1.r b1 len=64
wait r0 1
kill
