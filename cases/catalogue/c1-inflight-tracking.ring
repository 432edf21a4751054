# SPDX-License-Identifier: Apache-2.0
# Members in io-wq poll another ring, for which the kernel tracks them
# as in flight, while the task works on the leader. KCSAN watches if
# that is noted in the leader.
name c1-inflight-tracking
rules C1 G9 G10
needs groups

ring r0 entries=8
ring r1 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: poll_add r1 events=IN GROUP ASYNC
  m2: poll_add r1 events=IN GROUP ASYNC
  m3: poll_add r1 events=IN ASYNC
feed p0.w 64 fill=9
submit r1
  nop
wait r0  # the CQE of r1 stays, so polls that come late see it
wait r1
