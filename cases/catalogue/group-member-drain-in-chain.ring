# SPDX-License-Identifier: Apache-2.0
# A member has DRAIN. One revision ignores the flag: nothing waits and
# nothing is cancelled for it. The other refuses the group. The group is
# part of a link chain.
# Written by cases/families, family revisions.
name group-member-drain-in-chain
rules P4.2 P7.2
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop LINK
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64 GROUP DRAIN
  m2: nop
  behind1: nop
  mark: nop
wait r0 2
feed p1.w 64 fill=10
feed p0.w 64 fill=9
wait r0
