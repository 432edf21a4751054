# SPDX-License-Identifier: Apache-2.0
# The leader is cancelled while it waits on a pipe. Its members are done
# by then and keep their results.
name group-leader-fails-late
rules G4 G11 P4.4
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0 1
submit r0
  async_cancel leader
wait r0
