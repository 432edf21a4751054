# SPDX-License-Identifier: Apache-2.0
# A group of one behind an open chain. It is like a plain request, or
# fails what it stands in. Requests wait in an armed poll, and
# DEFER_TASKRUN completes them when the task asks.
# Written by cases/families, family revisions.
name group-of-one-behind-link-defer
rules P4.7 P7.8
needs groups

ring r0 entries=4 flags=SUBMIT_ALL|SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  ahead: read p0.r b0 len=64 LINK
  leader: read p1.r b1 len=64 GROUP
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
