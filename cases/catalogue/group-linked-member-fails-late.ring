# SPDX-License-Identifier: Apache-2.0
# A member of a linked group fails after its leader is done: it is
# cancelled while it waits on a pipe. The chain breaks then.
name group-linked-member-fails-late
rules G5 G6 P4.5
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP LINK
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  next: nop
wait r0 1
cancel r0 m1 timeout=1s
wait r0
