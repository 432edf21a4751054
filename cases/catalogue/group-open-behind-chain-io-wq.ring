# SPDX-License-Identifier: Apache-2.0
# A link chain is open when a group begins that the end of the
# submission closes. In one revision the group comes after the chain, in
# the other it is its last element. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-open-behind-chain-io-wq
rules G2 P4.8 P7.9
needs groups

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
file f2 size=4096 fill=23
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  ahead: read f0 b0 len=64 LINK ASYNC
  second: read f1 b1 len=64 LINK ASYNC
  leader: read f2 b2 len=64 GROUP ASYNC
  m1: nop GROUP
wait r0
