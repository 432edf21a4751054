# SPDX-License-Identifier: Apache-2.0
# The request linked behind a group must wait for the member that is
# done last, not only for the leader. Requests run in io-wq.
# Written by cases/families, family chains.
name group-holds-link-io-wq
rules G5
needs groups

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP LINK ASYNC
  m1: nop GROUP
  m2: read f1 b1 len=64 ASYNC
  next: nop
wait r0
