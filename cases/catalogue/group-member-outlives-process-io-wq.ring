# SPDX-License-Identifier: Apache-2.0
# The process is killed when the leader has done its work and a member
# still waits: the leader must go with the last of its group, not before
# and not never. Requests run in io-wq.
# Written by cases/families, family endings.
name group-member-outlives-process-io-wq
rules G11
needs groups

ring r0 entries=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP ASYNC
  m1: read p1.r b1 len=64 GROUP ASYNC
  m2: nop
feed p0.w 64 fill=9
wait r0 1
kill
