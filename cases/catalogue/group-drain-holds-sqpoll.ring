# SPDX-License-Identifier: Apache-2.0
# What is submitted after a drained group must wait until all of it has
# completed, the member that is done last included. The kernel's thread
# submits; requests wait in an armed poll.
# Written by cases/families, family drains.
name group-drain-holds-sqpoll
rules G8
needs groups

ring r0 entries=16 flags=SQPOLL
pipe p0
buf b0 size=64

submit r0
  early: nop
  leader: nop GROUP DRAIN
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  later: nop
submit r0
  latest: nop
feed p0.w 64 fill=9
wait r0
