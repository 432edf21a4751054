# SPDX-License-Identifier: Apache-2.0
# While a group is in flight, plain requests are submitted with it and
# after it. They complete as ever. Requests run in io-wq.
# Written by cases/families, family neighbours.
name group-beside-requests-io-wq
rules G12
needs groups

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
file f2 size=4096 fill=23
file f3 size=4096 fill=24
buf b0 size=64
buf b1 size=64
buf b2 size=64
buf b3 size=64

submit r0
  before: read f0 b0 len=64 ASYNC
  leader: read f1 b1 len=64 GROUP ASYNC
  m1: read f2 b2 len=64 ASYNC
  after: nop
submit r0
  late: read f3 b3 len=64 ASYNC
  latest: nop
wait r0 3
wait r0
