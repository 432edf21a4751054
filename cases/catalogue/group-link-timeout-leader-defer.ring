# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT leads a group. The revision that refuses it fails the
# group. Requests wait in an armed poll, and DEFER_TASKRUN completes
# them when the task asks.
# Written by cases/families, family revisions.
name group-link-timeout-leader-defer
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL|SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
buf b0 size=64

submit r0
  lt: link_timeout 500ms GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  mark: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
