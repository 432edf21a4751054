# SPDX-License-Identifier: Apache-2.0
# The leader succeeds with CQE_SKIP_SUCCESS and posts no CQE. The
# members' must all come. Requests run in io-wq.
# Written by cases/families, family order.
name group-leader-skips-io-wq
rules G3 P4.3
needs groups

ring r0 entries=4
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC SKIP
  m1: read f1 b1 len=64 GROUP ASYNC
  m2: nop
wait r0
