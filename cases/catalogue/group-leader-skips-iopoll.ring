# SPDX-License-Identifier: Apache-2.0
# The leader succeeds with CQE_SKIP_SUCCESS and posts no CQE. The
# members' must all come. Requests are reads that the kernel polls the
# device for.
# Written by cases/families, family order.
name group-leader-skips-iopoll
rules G3 P4.3
needs groups null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader: read n0 b0 len=512 GROUP SKIP
  m1: read n0 b1 len=512 off=512 GROUP
  m2: nop
wait r0
