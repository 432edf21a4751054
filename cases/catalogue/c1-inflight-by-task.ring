# SPDX-License-Identifier: Apache-2.0
# The leader works in io-wq while the task issues members that poll
# another ring, and so are tracked as in flight. KCSAN watches if that
# is noted in the leader.
name c1-inflight-by-task
rules C1 G9 G10
needs groups

ring r0 entries=16
ring r1 entries=8
file f0 size=16384 fill=8
buf b0 size=16384

submit r0
  leader: read f0 b0 len=16384 GROUP ASYNC
  m1: poll_add r1 events=IN GROUP
  m2: poll_add r1 events=IN GROUP
  m3: poll_add r1 events=IN
submit r1
  nop
wait r0  # the CQE of r1 stays, so polls that come late see it
wait r1
