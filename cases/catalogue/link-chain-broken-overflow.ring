# SPDX-License-Identifier: Apache-2.0
# A link chain without any group breaks in its middle. The completion
# queue is full: every CQE goes to the overflow list.
# Written by cases/families, family neighbours.
name link-chain-broken-overflow
rules G12

ring r0 entries=4 cq=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  first: read p0.r b0 len=64 LINK
  bad: read p1.r b1 len=64 LINK
  third: nop
  mark: nop
feed p0.w 64 fill=9
submit r0
  more: nop
cancel r0 bad timeout=1s
wait r0
