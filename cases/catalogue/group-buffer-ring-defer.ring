# SPDX-License-Identifier: Apache-2.0
# The requests of a group take their buffers from one buffer ring, each
# another one. Requests wait in an armed poll, and DEFER_TASKRUN
# completes them when the task asks.
# Written by cases/families, family neighbours.
name group-buffer-ring-defer
rules G13 G4
needs groups

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
pipe p1
buf b0 size=256

register r0 bufring b0 group=1 entries=4 size=64
submit r0
  leader: read p0.r len=64 index=1 GROUP BUFFER_SELECT
  m1: read p1.r len=64 index=1 GROUP BUFFER_SELECT
  m2: nop
feed p1.w 64 fill=10
feed p0.w 64 fill=9
wait r0
