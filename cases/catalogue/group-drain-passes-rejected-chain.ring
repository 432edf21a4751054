# SPDX-License-Identifier: Apache-2.0
# The chain behind a drained group is rejected, and one of its requests
# would have skipped its CQE. What is behind that chain must wait until
# all of the group has completed.
name group-drain-passes-rejected-chain
rules G8
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64

submit r0
  leader: nop GROUP DRAIN
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  bad: op=99 LINK
  cancelled: nop SKIP
  later: nop
wait r0 3
feed p0.w 64 fill=9
wait r0
