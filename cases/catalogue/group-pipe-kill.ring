# SPDX-License-Identifier: Apache-2.0
# The process is killed while leader and member wait on pipes, one of
# them sent there by io-wq.
name group-pipe-kill
rules G11
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=128

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: read p1.r b0+64 len=64 ASYNC
  mark: nop
wait r0 1
kill
