# SPDX-License-Identifier: Apache-2.0
# The kernel's thread submits the group and completes it.
name c3-sqpoll
rules C3 G4
needs groups

ring r0 entries=8 flags=SQPOLL
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: nop GROUP ASYNC
  m3: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
