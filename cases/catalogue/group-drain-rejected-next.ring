# SPDX-License-Identifier: Apache-2.0
# The request behind a drained group is rejected. What comes after it
# must still wait until all of the group has completed.
name group-drain-rejected-next
rules G8
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP DRAIN
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  bad: nop flags=0x80
  later: nop
wait r0 2
feed p0.w 64 fill=9
wait r0
