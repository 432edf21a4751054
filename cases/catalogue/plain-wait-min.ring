# SPDX-License-Identifier: Apache-2.0
# A wait that is content with one of two CQEs once its minimum time is
# over.
name plain-wait-min
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  nop
wait r0 2 min=2ms timeout=1s
feed p0.w 64 fill=5
wait r0
