# SPDX-License-Identifier: Apache-2.0
# The leader succeeds with CQE_SKIP_SUCCESS and posts no CQE. The
# members' must all come. Requests wait in an armed poll, and
# DEFER_TASKRUN completes them when the task asks.
# Written by cases/families, family order.
name group-leader-skips-defer
rules G3 P4.3
needs groups

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP SKIP
  m1: read p1.r b1 len=64 GROUP
  m2: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
