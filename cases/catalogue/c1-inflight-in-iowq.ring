# SPDX-License-Identifier: Apache-2.0
# Groups one after the other, whose leaders and members all poll another
# ring from io-wq: each is tracked as in flight by a worker of its own.
# KCSAN watches.
name c1-inflight-in-iowq
rules C1 G9 G10
needs groups

ring r0 entries=16
ring r1 entries=8

submit r0
  nop GROUP ASYNC
  poll_add r1 events=IN GROUP ASYNC
  poll_add r1 events=IN ASYNC
  poll_add r1 events=IN GROUP ASYNC
  poll_add r1 events=IN GROUP ASYNC
  nop ASYNC
  nop GROUP
  poll_add r1 events=IN GROUP ASYNC
  poll_add r1 events=IN ASYNC
submit r1
  nop
wait r0  # the CQE of r1 stays, so polls that come late see it
wait r1
