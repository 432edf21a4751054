# SPDX-License-Identifier: Apache-2.0
# The leader is done with a ring as its file, and its member waits when
# the process exits. What a task tracks by its rings' files must be gone
# before it lets go of them: it must not wait for the leader.
name group-exit-leader-on-ring
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
exit
