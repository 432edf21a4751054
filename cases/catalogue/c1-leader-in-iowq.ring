# SPDX-License-Identifier: Apache-2.0
# The leader runs in io-wq while members are issued by the task. KCSAN
# watches what both write.
name c1-leader-in-iowq
rules C1 G9 G10
needs groups

ring r0 entries=16
file f0 size=16384 fill=8
buf b0 size=16384
buf b1 size=16384

submit r0
  leader: read f0 b0 len=16384 GROUP ASYNC
  m1: read f0 b1 len=16384 GROUP
  m2: nop GROUP
  m3: nop
wait r0
submit r0
  nop GROUP ASYNC
  nop GROUP
  nop GROUP ASYNC
  nop GROUP
  nop
wait r0
