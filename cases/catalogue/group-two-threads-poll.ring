# SPDX-License-Identifier: Apache-2.0
# Two threads submit groups to one ring. Each submission is its own:
# what one thread leaves open ends there. Requests wait in an armed poll
# until their pipe is fed.
# Written by cases/families, family neighbours.
name group-two-threads-poll
rules G12 G2
needs groups

ring r0 entries=4
pipe p0
pipe p1
pipe p2
pipe p3
buf b0 size=64
buf b1 size=64
buf b2 size=64
buf b3 size=64

t1: submit r0 &
  leader0: read p0.r b0 len=64 GROUP
  m0: read p1.r b1 len=64 GROUP
submit r0
  leader1: read p2.r b2 len=64 GROUP
  m1: read p3.r b3 len=64
  after: nop
join t1
feed p2.w 64 fill=11
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p3.w 64 fill=12
wait r0
