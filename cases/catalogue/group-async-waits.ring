# SPDX-License-Identifier: Apache-2.0
# The leader is sent to io-wq, where it finds its pipe empty; its
# members do not wait for it.
name group-async-waits
rules G4 G9 P4.1
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP ASYNC
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
