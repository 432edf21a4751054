# SPDX-License-Identifier: Apache-2.0
# A group of reads of a block device. The device is polled, and task
# work runs when the task asks.
# Written by cases/families, family rings.
name group-on-iopoll-defer
rules G1 G4 G10
needs groups null-blk

ring r0 entries=4 flags=IOPOLL|SINGLE_ISSUER|DEFER_TASKRUN
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512
buf b1 size=512

submit r0
  leader: read n0 b0 len=512 GROUP
  m1: read n0 b1 len=512 off=512 GROUP
  m2: nop
  after: nop
wait r0
