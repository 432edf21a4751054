# SPDX-License-Identifier: Apache-2.0
# A buffered write in io-wq is the last member; the read behind the
# group must find what it wrote.
name c4-write-in-iowq
rules C4 G3 G5
needs groups

ring r0 entries=8
file f0 size=8192
buf b0 size=4096 fill=8
buf b1 size=4096 fill=9
buf b2 size=8192

submit r0
  leader: write f0 b0 len=4096 GROUP LINK
  m1: write f0 b1 len=4096 off=4096 ASYNC
  next: read f0 b2 len=8192
wait r0
