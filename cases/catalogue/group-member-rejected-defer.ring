# SPDX-License-Identifier: Apache-2.0
# A member of a group that is not linked is rejected while it is parsed.
# One revision runs the others, the other cancels them. Requests wait in
# an armed poll, and DEFER_TASKRUN completes them when the task asks.
# Written by cases/families, family revisions.
name group-member-rejected-defer
rules P7.6 P4.6 G3
needs groups

ring r0 entries=4 flags=SUBMIT_ALL|SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  bad: op=99 GROUP
  m2: read p1.r b1 len=64
  mark: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
