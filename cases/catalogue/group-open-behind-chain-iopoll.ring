# SPDX-License-Identifier: Apache-2.0
# A link chain is open when a group begins that the end of the
# submission closes. In one revision the group comes after the chain, in
# the other it is its last element. Requests are reads that the kernel
# polls the device for.
# Written by cases/families, family revisions.
name group-open-behind-chain-iopoll
rules G2 P4.8 P7.9
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512
buf b2 size=512

submit r0
  ahead: read n0 b0 len=512 LINK
  second: read n0 b1 len=512 off=512 LINK
  leader: read n0 b2 len=512 off=1024 GROUP
  m1: nop GROUP
wait r0
