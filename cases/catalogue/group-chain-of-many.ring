# SPDX-License-Identifier: Apache-2.0
# Groups and requests in turn in one chain, some in io-wq and some by
# poll, twice, so that the second run recycles what the first has
# freed.
name group-chain-of-many
rules G5 G10 P7.10
needs groups nop-inject

ring r0 entries=32
pipe p0
buf b0 size=64 fill=1
buf b1 size=64
buf b2 size=64

submit r0
  a: nop LINK ASYNC
  l1: read p0.r b1 len=32 GROUP LINK ASYNC
  m1: nop GROUP ASYNC
  m2: read p0.r b2 len=32
  b: nop LINK
  l2: nop GROUP LINK
  m3: write p0.w b0 len=16 GROUP ASYNC
  m4: nop
  c: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
submit r0
  l3: nop GROUP LINK
  m5: nop GROUP ASYNC
  m6: nop inject=-EIO
  l4: nop GROUP LINK
  m7: nop
  d: nop
wait r0
