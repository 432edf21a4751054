# SPDX-License-Identifier: Apache-2.0
# The leader of a group fails. Its members go their own way in one
# revision and are cancelled in the other. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-leader-fails-io-wq
rules P4.4 P7.5
needs groups nop-inject

ring r0 entries=4
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  leader: nop inject=-EIO GROUP ASYNC
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: nop
  mark: nop
wait r0 1
wait r0
