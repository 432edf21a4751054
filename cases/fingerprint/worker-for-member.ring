# SPDX-License-Identifier: Apache-2.0
# One member runs in io-wq: who posts its CQE, and the leader's?
name worker-for-member
rules P7.10
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4
buf b0 size=64

submit r0
  leader: nop GROUP
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: nop
wait r0
