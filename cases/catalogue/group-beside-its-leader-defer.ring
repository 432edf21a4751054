# SPDX-License-Identifier: Apache-2.0
# The leader waits until it is let go. Members that run beside it are
# issued before that, members that run after it only then. Requests wait
# in an armed poll, and DEFER_TASKRUN completes them when the task asks.
# Written by cases/families, family revisions.
name group-beside-its-leader-defer
rules P4.1 P7.1
needs groups

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: read p1.r b1 len=64
  mark: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
