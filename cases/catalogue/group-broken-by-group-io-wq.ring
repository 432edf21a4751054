# SPDX-License-Identifier: Apache-2.0
# A member of the first group fails, so that all of the second group is
# cancelled. Requests run in io-wq.
# Written by cases/families, family failures.
name group-broken-by-group-io-wq
rules G6 G7
needs groups nop-inject

ring r0 entries=8
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader0: read f0 b0 len=64 GROUP LINK ASYNC
  m0: nop GROUP
  bad: nop inject=-EIO ASYNC
  leader1: nop GROUP
  m1: read f1 b1 len=64 ASYNC
wait r0 1
wait r0
