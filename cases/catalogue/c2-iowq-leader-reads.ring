# SPDX-License-Identifier: Apache-2.0
# A leader in io-wq and members that read a file, which needs no worker;
# then the same without a group.
name c2-iowq-leader-reads
rules C2 G9
needs groups

ring r0 entries=16
file f0 size=4096 fill=8
buf b0 size=4096
buf b1 size=4096
buf b2 size=4096

submit r0
  leader: read f0 b0 len=4096 GROUP ASYNC
  m1: read f0 b1 len=4096 GROUP
  m2: read f0 b2 len=4096
wait r0
submit r0
  read f0 b0 len=4096 ASYNC
  read f0 b1 len=4096
  read f0 b2 len=4096
wait r0
