# SPDX-License-Identifier: Apache-2.0
# A group between plain requests, all of them at work at the same time:
# what only the group's requests have is the group's.
name fields
rules G10
needs groups

ring r0 entries=8
pipe p0
pipe p1
pipe p2
pipe p3
pipe p4
buf b0 size=64
buf b1 size=64
buf b2 size=64
buf b3 size=64
buf b4 size=64

submit r0
  before: read p0.r b0 len=64
  leader: read p1.r b1 len=64 GROUP
  m1: read p2.r b2 len=64 GROUP
  m2: read p3.r b3 len=64
  after: read p4.r b4 len=64
  mark: nop
wait r0 1
feed p0.w 64 fill=1
feed p1.w 64 fill=2
feed p2.w 64 fill=3
feed p3.w 64 fill=4
feed p4.w 64 fill=5
wait r0
