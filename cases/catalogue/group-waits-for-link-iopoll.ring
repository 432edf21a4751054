# SPDX-License-Identifier: Apache-2.0
# A request ahead in the chain takes its time. Nothing of the group
# behind it may be issued before it has completed. Requests are reads
# that the kernel polls the device for.
# Written by cases/families, family chains.
name group-waits-for-link-iopoll
rules G5
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  ahead: read n0 b0 len=512 LINK
  leader: nop GROUP
  m1: read n0 b1 len=512 off=512 GROUP
  m2: nop
wait r0
