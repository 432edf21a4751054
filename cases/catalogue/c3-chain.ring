# SPDX-License-Identifier: Apache-2.0
# Groups ahead of, behind and between other elements of a chain, with
# members that finish late.
name c3-chain
rules C3 G4 G5
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  nop LINK
  nop GROUP LINK
  nop GROUP ASYNC
  nop
  nop GROUP LINK
  read p0.r b0 len=64 GROUP
  nop
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
