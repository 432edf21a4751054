# SPDX-License-Identifier: Apache-2.0
# A drained group that is still open when its submission ends, behind a
# chain that is open as well. None of it is issued before the chain has
# completed, and what comes in the next submission waits for all of it.
name group-open-drained
rules G2 G8
needs groups

ring r0 entries=8
pipe p0
pipe p1
buf b0 size=128

submit r0
  head: read p0.r b0 len=64 LINK
  leader: nop GROUP DRAIN
  m1: read p1.r b0+64 len=64 GROUP
submit r0
  later: nop
feed p0.w 64 fill=9
wait r0 1
feed p1.w 64 fill=8
wait r0
