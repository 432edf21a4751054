# SPDX-License-Identifier: Apache-2.0
# The leader is done with a ring as its file, and its member waits when
# the program executes another. The ring must not be kept, nor must
# exec wait.
name group-exec-leader-on-ring
rules G11
needs groups

ring r0 entries=8
ring r1 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: msg_ring r1 len=5 off=77 GROUP
  m1: read p0.r b0 len=64
wait r1 1 timeout=50ms
exec
