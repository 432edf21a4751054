# SPDX-License-Identifier: Apache-2.0
# A worker finds nothing to read and arms a poll, so the leader goes on
# in the task.
name c5-async-leader-polls
rules C5 G3 G10
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP ASYNC
  m1: nop GROUP
  m2: nop
feed p0.w 64 fill=9
wait r0
