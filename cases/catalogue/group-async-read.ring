# SPDX-License-Identifier: Apache-2.0
# File reads that were sent to io-wq, with the data compared.
name group-async-read
rules G4 G9 G13
needs groups

ring r0 entries=8
file f0 size=8192 fill=1
buf b0 size=8192

submit r0
  leader: read f0 b0 len=2048 GROUP ASYNC
  m1: read f0 b0+2048 len=2048 off=2048 GROUP ASYNC
  m2: read f0 b0+4096 len=4096 off=4096 ASYNC
wait r0
