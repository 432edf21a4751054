# SPDX-License-Identifier: Apache-2.0
# A link chain without any group breaks in its middle. Requests are
# reads that the kernel polls the device for.
# Written by cases/families, family neighbours.
name link-chain-broken-iopoll
rules G12
needs nop-inject null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  first: read n0 b0 len=512 LINK
  bad: nop inject=-EIO LINK
  third: nop
  mark: nop
wait r0
