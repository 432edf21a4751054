# SPDX-License-Identifier: Apache-2.0
# The leader runs in the task while members run in io-wq: both sides
# touch requests of one group at once. KCSAN watches.
name c1-members-in-iowq
rules C1 G9 G10
needs groups

ring r0 entries=16
file f0 size=16384 fill=8
file f1 size=16384 fill=9
buf b0 size=16384
buf b1 size=16384
buf b2 size=16384

submit r0
  leader: read f0 b0 len=16384 GROUP
  m1: read f0 b1 len=16384 GROUP ASYNC
  m2: read f1 b2 len=16384 ASYNC
wait r0
submit r0
  nop GROUP
  nop GROUP ASYNC
  nop GROUP ASYNC
  nop GROUP ASYNC
  nop
wait r0
