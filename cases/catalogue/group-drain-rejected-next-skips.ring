# SPDX-License-Identifier: Apache-2.0
# What is behind a drained group is rejected, and would have skipped its
# CQE. The drain is for the one after it all the same.
name group-drain-rejected-next-skips
rules G8
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP DRAIN
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  bad: read_fixed SKIP
  later: nop
wait r0 2
feed p0.w 64 fill=9
wait r0
