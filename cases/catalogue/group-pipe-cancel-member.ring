# SPDX-License-Identifier: Apache-2.0
# ASYNC_CANCEL of a member that waits on a pipe; the leader waits on
# another one, which is fed later.
name group-pipe-cancel-member
rules G4 G11
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=128

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: read p1.r b0+64 len=64
  mark: nop
wait r0 1
submit r0
  async_cancel m2
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=8
wait r0
