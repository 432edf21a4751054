# SPDX-License-Identifier: Apache-2.0
# A link chain without any group breaks in its middle. Requests run in
# io-wq.
# Written by cases/families, family neighbours.
name link-chain-broken-io-wq
rules G12
needs nop-inject

ring r0 entries=4
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  first: read f0 b0 len=64 LINK ASYNC
  bad: nop inject=-EIO LINK ASYNC
  third: nop
  mark: nop
wait r0
