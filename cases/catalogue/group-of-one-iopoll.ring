# SPDX-License-Identifier: Apache-2.0
# A group of one, closed by the end of its submission: a plain request
# in one revision, refused in the other. Requests are reads that the
# kernel polls the device for.
# Written by cases/families, family revisions.
name group-of-one-iopoll
rules P4.7 P7.8
needs groups null-blk

ring r0 entries=4 flags=IOPOLL|SUBMIT_ALL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  mark: nop
  leader: read n0 b0 len=512 GROUP
wait r0 1
wait r0
