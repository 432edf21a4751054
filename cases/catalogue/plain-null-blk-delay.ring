# SPDX-License-Identifier: Apache-2.0
# A device that completes from a timer, after the submission.
name plain-null-blk-delay
rules G12
needs null-blk

ring r0 entries=8
nullb n0 size=8192 fill=3 direct delay=2ms
buf b0 size=8192

submit r0
  read n0 b0 len=4096 LINK
  read n0 b0+4096 len=4096 off=4096
wait r0
