# SPDX-License-Identifier: Apache-2.0
# A link chain without any group, and requests beside it: a kernel with
# groups must do what one without does. Requests are reads that the
# kernel polls the device for.
# Written by cases/families, family neighbours.
name link-chain-iopoll
rules G12
needs null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512

submit r0
  first: read n0 b0 len=512 LINK
  second: read n0 b1 len=512 off=512 LINK
  third: nop
  beside: read n0 b2 len=512 off=1024
wait r0
