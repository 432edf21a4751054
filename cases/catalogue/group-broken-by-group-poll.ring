# SPDX-License-Identifier: Apache-2.0
# A member of the first group fails, so that all of the second group is
# cancelled. Requests wait in an armed poll until their pipe is fed.
# Written by cases/families, family failures.
name group-broken-by-group-poll
rules G6 G7
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  leader0: read p0.r b0 len=64 GROUP LINK
  m0: nop GROUP
  bad: read p1.r b1 len=64
  leader1: nop GROUP
  m1: read p2.r b2 len=64
feed p0.w 64 fill=9
wait r0 1
cancel r0 bad timeout=1s
wait r0
