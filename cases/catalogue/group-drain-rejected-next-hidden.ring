# SPDX-License-Identifier: Apache-2.0
# What is behind a drained group with a skipped CQE is rejected. The
# drain is for the one after it then.
name group-drain-rejected-next-hidden
rules G8
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP DRAIN
  m1: read p0.r b0 len=64 GROUP
  m2: nop SKIP
  bad: read_fixed
  later: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
