# SPDX-License-Identifier: Apache-2.0
# Group behind group: each request of the second depends on all of the
# first. The first's members are done after its leader. Requests run in
# io-wq.
# Written by cases/families, family chains.
name group-waits-for-group-io-wq
rules G5 G4 G14
needs groups

ring r0 entries=8
file f0 size=0
file f1 size=4096 fill=22
file f2 size=4096 fill=23
file f3 size=4096 fill=24
buf b0 size=64 fill=5
buf b1 size=64
buf b2 size=64
buf b3 size=64
buf b4 size=64

submit r0
  leader0: read f1 b1 len=64 GROUP LINK ASYNC
  m0: read f2 b2 len=64 GROUP ASYNC
  m1: write f0 b0 len=64 ASYNC
  leader1: read f0 b3 len=64 GROUP ASYNC
  m2: read f3 b4 len=64 GROUP ASYNC
  m3: nop
wait r0
