# SPDX-License-Identifier: Apache-2.0
# A drained request behind a group whose leader waits on a pipe.
name group-drain-after-leader
rules G8
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: nop
  drained: nop DRAIN
feed p0.w 64 fill=9
wait r0
