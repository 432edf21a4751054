# SPDX-License-Identifier: Apache-2.0
# IORING_REGISTER_SYNC_CANCEL of a leader that waits on a pipe, while a
# member waits on another one, which is fed later.
name group-pipe-cancel-leader
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
cancel r0 leader timeout=1s
feed p1.w 64 fill=9
wait r0
