# SPDX-License-Identifier: Apache-2.0
# The leader waits until it is let go. Members that run beside it are
# issued before that, members that run after it only then. Requests run
# in io-wq.
# Written by cases/families, family revisions.
name group-beside-its-leader-io-wq
rules P4.1 P7.1
needs groups

ring r0 entries=4
pipe p0
file f0 size=4096 fill=21
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP ASYNC
  m1: nop GROUP
  m2: read f0 b1 len=64 ASYNC
  mark: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
