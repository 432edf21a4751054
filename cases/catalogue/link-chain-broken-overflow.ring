# SPDX-License-Identifier: Apache-2.0
# A link chain without any group breaks in its middle. The completion
# queue is full: every CQE goes to the overflow list.
# Written by cases/families, family neighbours.
name link-chain-broken-overflow
rules G12

ring r0 entries=4 cq=4
pipe p0
buf b0 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  first: read p0.r b0 len=64 LINK
  bad: timeout 1ms LINK
  third: nop
  mark: nop
feed p0.w 64 fill=9
wait r0
