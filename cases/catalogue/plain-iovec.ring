# SPDX-License-Identifier: Apache-2.0
# Vectors and messages.
name plain-iovec
rules G12

ring r0 entries=8
file f0 size=64 fill=3
file f1 size=0
sockets s0
buf b0 size=64
buf b1 size=64
iovec v0 b0:16 b0+32:8
iovec v1 b1:24
msg m0 iov=v0
msg m1 iov=v1

submit r0
  readv f0 v0 len=2 LINK
  writev f1 v0 len=2 LINK
  sendmsg s0.a m0 LINK
  recvmsg s0.b m1
wait r0
