# SPDX-License-Identifier: Apache-2.0
# A drained group with requests in io-wq, submitted in two batches with
# what comes behind.
name c7-in-iowq
rules C7 G8
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  leader: nop GROUP DRAIN ASYNC
  m1: nop GROUP ASYNC
  m2: nop
submit r0
  nop
  nop LINK
  nop
feed p0.w 64 fill=9
wait r0
