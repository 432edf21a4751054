# SPDX-License-Identifier: Apache-2.0
# The leader of a drained group is rejected, in both ways: before its
# flags were looked at, and after. Where its members run, they are
# drained as with any other leader.
name group-drain-rejected-leader
rules G8 P4.4
needs groups

ring r0 entries=16 flags=SUBMIT_ALL
pipe p0
pipe p1
buf b0 size=128

submit r0
  early: read p0.r b0 len=64
  leader: op=255 GROUP DRAIN
  m1: nop GROUP
  m2: nop
  leader2: nop ioprio=1 GROUP DRAIN
  m3: read p1.r b0+64 len=64 GROUP
  m4: nop
  later: nop
feed p0.w 64 fill=9
wait r0 5
feed p1.w 64 fill=8
wait r0
