# SPDX-License-Identifier: Apache-2.0
# What is submitted after a drained group must wait until all of it has
# completed, the member that is done last included. Requests run in
# io-wq.
# Written by cases/families, family drains.
name group-drain-holds-io-wq
rules G8
needs groups

ring r0 entries=8
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  early: nop
  leader: nop GROUP DRAIN
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: nop
  later: nop
submit r0
  latest: nop
wait r0
