# SPDX-License-Identifier: Apache-2.0
# Two chains and a request between them. Chains do not wait for each
# other: the first hangs on a pipe until everything else is done.
name link-two-chains
rules G12

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64 LINK
  nop
  nop
  nop LINK
  nop
wait r0 3
feed p0.w 64 fill=9
wait r0
