# SPDX-License-Identifier: Apache-2.0
# A drained group: none of it starts before the pipe read ahead of it is
# done, and the request behind it waits for all of the group.
name group-drain-leader
rules G8
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  nop
  leader: nop GROUP DRAIN
  m1: nop GROUP
  m2: nop
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
