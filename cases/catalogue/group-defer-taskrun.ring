# SPDX-License-Identifier: Apache-2.0
# DEFER_TASKRUN: completions of leader and members are posted when the
# task asks for them, the leader's last.
name group-defer-taskrun
rules G4 G10
needs groups

ring r0 entries=8 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
pipe p1
buf b0 size=128

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: read p1.r b0+64 len=64 GROUP
  m2: nop
  mark: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=8
wait r0
