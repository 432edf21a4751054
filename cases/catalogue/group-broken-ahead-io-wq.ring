# SPDX-License-Identifier: Apache-2.0
# The request ahead of the group fails. Every SQE of the group must
# complete with -ECANCELED, without being issued. Requests run in io-wq.
# Written by cases/families, family failures.
name group-broken-ahead-io-wq
rules G7
needs groups nop-inject

ring r0 entries=8
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  bad: nop inject=-EIO LINK ASYNC
  leader: nop GROUP LINK
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: read f1 b1 len=64 ASYNC
  next: nop
  mark: nop
wait r0 1
wait r0
