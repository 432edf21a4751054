# SPDX-License-Identifier: Apache-2.0
# A leader in io-wq and a member that waits for an empty pipe: a poll is
# armed for it, as for the plain read that follows.
name c2-iowq-leader-polls
rules C2 G9
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: nop GROUP ASYNC
  m1: nop GROUP
  m2: read p0.r b0 len=64
wait r0 1
feed p0.w 64 fill=8
wait r0
submit r0
  read p1.r b1 len=64
  nop
wait r0 1
feed p1.w 64 fill=9
wait r0
