# SPDX-License-Identifier: Apache-2.0
# A task sleeps until two CQEs have come. It is one request that brings
# both of them: the last of a group completes the leader as well.
name group-lazy-wake-defer
rules G3 G4
needs groups

ring r0 entries=4 flags=R_DISABLED|SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
buf b0 size=64

t1: register r0 enable
t1: submit r0
  leader: nop GROUP
  m1: read p0.r b0 len=64
t1: wait r0 2 &
feed p0.w 64 fill=9
join t1
