# SPDX-License-Identifier: Apache-2.0
# The pipe is fed ahead, so that the leader's poll may be woken while
# its members are being queued.
name c5-poll-leader-at-once
rules C5 G3 G10
needs groups

ring r0 entries=16
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

feed p0.w 64 fill=8
submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  poll_add p1.w events=OUT GROUP
  nop GROUP
  nop
wait r0
