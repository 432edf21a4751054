# SPDX-License-Identifier: Apache-2.0
# The thread that has submitted a group exits while it waits. The
# process goes on, and so does the ring. Requests run in io-wq.
# Written by cases/families, family endings.
name group-thread-exits-io-wq
rules G11
needs groups

ring r0 entries=4
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

t1: submit r0
  leader: read p0.r b0 len=64 GROUP ASYNC
  m1: read p1.r b1 len=64 GROUP ASYNC
  m2: nop
  mark: nop
t1: exit-thread
cancel r0 flags=ALL|ANY timeout=1s
wait r0
