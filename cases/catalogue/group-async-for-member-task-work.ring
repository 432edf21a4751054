# SPDX-License-Identifier: Apache-2.0
# Only a member asks for io-wq, and is done there on its own. The
# leader's CQE still comes last, and the others must not be sent to
# io-wq. Requests complete in task work.
# Written by cases/families, family workers.
name group-async-for-member-task-work
rules G9 G4 P7.10
needs groups

ring r0 entries=4
pipe p0
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: nop
feed p0.w 64 fill=9
wait r0
