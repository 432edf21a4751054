# SPDX-License-Identifier: Apache-2.0
# A link chain is open when a group begins that the end of the
# submission closes. In one revision the group comes after the chain, in
# the other it is its last element. The completion queue is full: every
# CQE goes to the overflow list.
# Written by cases/families, family revisions.
name group-open-behind-chain-overflow
rules G2 P4.8 P7.9
needs groups

ring r0 entries=4 cq=4
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  ahead: read p0.r b0 len=64 LINK
  second: read p1.r b1 len=64 LINK
  leader: read p2.r b2 len=64 GROUP
  m1: nop GROUP
feed p0.w 64 fill=9
feed p1.w 64 fill=10
feed p2.w 64 fill=11
wait r0
