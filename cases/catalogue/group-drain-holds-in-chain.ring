# SPDX-License-Identifier: Apache-2.0
# What is submitted after a drained group must wait until all of it has
# completed, the member that is done last included. The group is part of
# a link chain.
# Written by cases/families, family drains.
name group-drain-holds-in-chain
rules G8
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  early: nop
  nop LINK
  leader: nop GROUP LINK DRAIN
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  behind1: nop
  later: nop
submit r0
  latest: nop
feed p0.w 64 fill=9
wait r0
