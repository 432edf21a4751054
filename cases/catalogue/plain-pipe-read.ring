# SPDX-License-Identifier: Apache-2.0
# A read from an empty pipe arms a poll and completes by task work once
# somebody writes.
name plain-pipe-read
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
