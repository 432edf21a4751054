# SPDX-License-Identifier: Apache-2.0
# A link chain without any group breaks in its middle. Requests wait in
# an armed poll until their pipe is fed.
# Written by cases/families, family neighbours.
name link-chain-broken-poll
rules G12

ring r0 entries=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  first: read p0.r b0 len=64 LINK
  bad: read p1.r b1 len=64 LINK
  third: nop
  mark: nop
feed p0.w 64 fill=9
wait r0 2
submit r0
  more: nop
wait r0 1
cancel r0 bad timeout=1s
wait r0
