# SPDX-License-Identifier: Apache-2.0
# A link chain without any group, and requests beside it: a kernel with
# groups must do what one without does. Requests run in io-wq.
# Written by cases/families, family neighbours.
name link-chain-io-wq
rules G12

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
file f2 size=4096 fill=23
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  first: read f0 b0 len=64 LINK ASYNC
  second: read f1 b1 len=64 LINK ASYNC
  third: nop
  beside: read f2 b2 len=64 ASYNC
wait r0
