# SPDX-License-Identifier: Apache-2.0
# One read, then three files get what it read. Requests wait in an armed
# poll until their pipe is fed.
# Written by cases/families, family copies.
name group-read-one-write-many-poll
rules G14 G5
needs groups

ring r0 entries=4
pipe p0
file f0 size=0
file f1 size=0
file f2 size=0
buf b0 size=64

submit r0
  ahead: read p0.r b0 len=64 LINK
  leader: write f0 b0 len=64 GROUP
  m1: write f1 b0 len=64 GROUP
  m2: write f2 b0 len=64
feed p0.w 64 fill=9
wait r0
