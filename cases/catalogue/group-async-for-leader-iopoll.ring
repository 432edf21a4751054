# SPDX-License-Identifier: Apache-2.0
# Only the leader asks for io-wq. It must run there, and its members
# must not be sent there with it. Requests are reads that the kernel
# polls the device for.
# Written by cases/families, family workers.
name group-async-for-leader-iopoll
rules G9 P7.10
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader: read n0 b0 len=512 GROUP ASYNC
  m1: read n0 b1 len=512 off=512 GROUP
  m2: nop
wait r0 1
wait r0
