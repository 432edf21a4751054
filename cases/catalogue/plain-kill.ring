# SPDX-License-Identifier: Apache-2.0
# The process is killed while a read waits on a pipe and another one was
# sent to io-wq.
name plain-kill
rules G12

ring r0 entries=4
pipe p0
pipe p1
buf b0 size=128

submit r0
  read p0.r b0 len=64
  read p1.r b0+64 len=64 ASYNC
  nop
wait r0 1
kill
