# SPDX-License-Identifier: Apache-2.0
# The leader of a group fails. Its members go their own way in one
# revision and are cancelled in the other. Requests are reads that the
# kernel polls the device for.
# Written by cases/families, family revisions.
name group-leader-fails-iopoll
rules P4.4 P7.5
needs groups nop-inject null-blk

ring r0 entries=4 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  leader: nop inject=-EIO GROUP
  m1: read n0 b0 len=512 GROUP
  m2: nop
  mark: nop
wait r0 1
wait r0
