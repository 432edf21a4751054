# SPDX-License-Identifier: Apache-2.0
# A request ahead in the chain takes its time. Nothing of the group
# behind it may be issued before it has completed. Requests run in
# io-wq.
# Written by cases/families, family chains.
name group-waits-for-link-io-wq
rules G5
needs groups

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  ahead: read f0 b0 len=64 LINK ASYNC
  leader: nop GROUP
  m1: read f1 b1 len=64 GROUP ASYNC
  m2: nop
wait r0
