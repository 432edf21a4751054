# SPDX-License-Identifier: Apache-2.0
# The leader waits for a pipe that is fed late. Are the members issued
# meanwhile?
name leader-waits-in-read
rules P4.1 P7.1
needs groups

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0 1
feed p0.w 64 fill=1
wait r0
