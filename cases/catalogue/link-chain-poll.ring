# SPDX-License-Identifier: Apache-2.0
# A link chain without any group, and requests beside it: a kernel with
# groups must do what one without does. Requests wait in an armed poll
# until their pipe is fed.
# Written by cases/families, family neighbours.
name link-chain-poll
rules G12

ring r0 entries=4
pipe p0
pipe p1
pipe p2
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  first: read p0.r b0 len=64 LINK
  second: read p1.r b1 len=64 LINK
  third: nop
  beside: read p2.r b2 len=64
feed p2.w 64 fill=11
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
