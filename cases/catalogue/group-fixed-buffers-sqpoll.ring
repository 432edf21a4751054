# SPDX-License-Identifier: Apache-2.0
# Each request of a group reads into a registered buffer of its own. The
# kernel's thread submits; requests wait in an armed poll.
# Written by cases/families, family neighbours.
name group-fixed-buffers-sqpoll
rules G13 G4
needs groups

ring r0 entries=8 flags=SQPOLL
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

register r0 buffers b0 b1 b2
submit r0
  leader: read_fixed p2.r b2 len=64 index=2 GROUP
  m1: read_fixed p1.r b1 len=64 index=1 GROUP
  m2: read_fixed p0.r b0 len=64
feed p1.w 64 fill=10
feed p2.w 64 fill=11
feed p0.w 64 fill=9
wait r0
