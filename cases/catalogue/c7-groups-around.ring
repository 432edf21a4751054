# SPDX-License-Identifier: Apache-2.0
# Groups, one of them linked, ahead of and behind a drained group.
name c7-groups-around
rules C7 G8
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  nop GROUP LINK
  read p0.r b0 len=64 GROUP
  nop
  nop
  leader: nop GROUP DRAIN
  m1: nop GROUP
  m2: nop
  nop GROUP LINK
  nop
  nop GROUP
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
