# SPDX-License-Identifier: Apache-2.0
# The process exits while a leader waits on a pipe.
name group-pipe-exit
rules G11
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0 1
exit
