# SPDX-License-Identifier: Apache-2.0
# The request linked behind a group must wait for the member that is
# done last, not only for the leader. Requests are reads that the kernel
# polls the device for.
# Written by cases/families, family chains.
name group-holds-link-iopoll
rules G5
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader: read n0 b0 len=512 GROUP LINK
  m1: nop GROUP
  m2: read n0 b1 len=512 off=512
  next: nop
wait r0
