# SPDX-License-Identifier: Apache-2.0
# Leader and member have registered personalities, another member one
# that is not registered: it is rejected by its own fault. Requests wait
# in an armed poll until their pipe is fed.
# Written by cases/families, family neighbours.
name group-own-personality-poll
rules G13
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

register r0 personality
submit r0
  leader: read p0.r b0 len=64 personality=1 GROUP
  m1: read p1.r b1 len=64 personality=1 GROUP
  bad: nop personality=7 GROUP
  m3: nop
  mark: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
