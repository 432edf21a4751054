# SPDX-License-Identifier: Apache-2.0
# Two threads submit groups to one ring. Each submission is its own:
# what one thread leaves open ends there. Requests run in io-wq.
# Written by cases/families, family neighbours.
name group-two-threads-io-wq
rules G12 G2
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

t1: submit r0 &
  leader0: read f0 b0 len=64 GROUP ASYNC
  m0: read f1 b1 len=64 GROUP ASYNC
submit r0
  leader1: read f2 b2 len=64 GROUP ASYNC
  m1: read f3 b3 len=64 ASYNC
  after: nop
join t1
wait r0
