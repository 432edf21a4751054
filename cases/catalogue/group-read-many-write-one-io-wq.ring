# SPDX-License-Identifier: Apache-2.0
# Three reads into one buffer, then one write of all. A write that came
# too early writes what was not yet read. Requests run in io-wq.
# Written by cases/families, family copies.
name group-read-many-write-one-io-wq
rules G14 G5
needs groups

ring r0 entries=4
file f0 size=0
file f1 size=4096 fill=22
file f2 size=4096 fill=23
file f3 size=4096 fill=24
buf b0 size=192

submit r0
  leader: read f1 b0 len=64 GROUP LINK ASYNC
  m1: read f2 b0+64 len=64 GROUP ASYNC
  m2: read f3 b0+128 len=64 ASYNC
  next: write f0 b0 len=192 ASYNC
wait r0
