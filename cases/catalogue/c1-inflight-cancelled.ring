# SPDX-License-Identifier: Apache-2.0
# Members that poll another ring, and so are tracked as in flight, are
# cancelled while the leader waits: tracking ends while the task works
# on the leader. KCSAN watches.
name c1-inflight-cancelled
rules C1 G11
needs groups

ring r0 entries=16
ring r1 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: poll_add r1 events=IN GROUP ASYNC
  m2: poll_add r1 events=IN ASYNC
submit r0
  async_cancel m1
  async_cancel m2
feed p0.w 64 fill=9
submit r1
  nop
wait r0  # the CQE of r1 stays, so polls that come late see it
wait r1
