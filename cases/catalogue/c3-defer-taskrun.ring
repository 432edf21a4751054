# SPDX-License-Identifier: Apache-2.0
# Task work runs only when the task asks for it: members inline, armed
# and in io-wq.
name c3-defer-taskrun
rules C3 G4
needs groups

ring r0 entries=8 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: nop GROUP ASYNC
  m3: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
