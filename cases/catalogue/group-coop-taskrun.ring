# SPDX-License-Identifier: Apache-2.0
# COOP_TASKRUN: task work is not forced by an interrupt.
name group-coop-taskrun
rules G4 G10
needs groups

ring r0 entries=8 flags=COOP_TASKRUN
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
