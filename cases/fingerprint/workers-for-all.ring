# SPDX-License-Identifier: Apache-2.0
# All of a group run in io-wq: who posts their CQEs?
name workers-for-all
rules P7.10
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4
buf b0 size=64
buf b1 size=64
buf b2 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  m1: read f0 b1 len=64 off=64 GROUP ASYNC
  m2: read f0 b2 len=64 off=128 ASYNC
wait r0
