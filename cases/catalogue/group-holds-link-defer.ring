# SPDX-License-Identifier: Apache-2.0
# The request linked behind a group must wait for the member that is
# done last, not only for the leader. Requests wait in an armed poll,
# and DEFER_TASKRUN completes them when the task asks.
# Written by cases/families, family chains.
name group-holds-link-defer
rules G5
needs groups

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: nop GROUP
  m2: read p1.r b1 len=64
  next: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
