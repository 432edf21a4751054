# SPDX-License-Identifier: Apache-2.0
# The leader is a poll of a pipe that is fed late. Are the members
# issued meanwhile?
name leader-waits-in-poll
rules P4.1 P7.1
needs groups

ring r0 entries=4
pipe p0
pipe p1
buf b1 size=64

submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: read p1.r b1 len=64
  mark: nop
wait r0 1
feed p0.w 64 fill=1
feed p1.w 64 fill=2
wait r0
