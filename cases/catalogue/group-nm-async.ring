# SPDX-License-Identifier: Apache-2.0
# N to M with all requests forced to io-wq.
name group-nm-async
rules G5 G9 G14
needs groups

ring r0 entries=8
file f0 size=0
file f1 size=0
buf out size=2048 fill=7
buf in size=4096

submit r0
  leader0: write f0 out len=2048 GROUP LINK ASYNC
  write f1 out len=2048 ASYNC
  leader1: read f0 in len=2048 GROUP ASYNC
  read f1 in+2048 len=2048 ASYNC
wait r0
