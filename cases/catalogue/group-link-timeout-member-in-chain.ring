# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT is a member. The revision that refuses it fails the
# group; the other has it go its own way and promises nothing of its
# result. The group is part of a link chain.
# Written by cases/families, family revisions.
name group-link-timeout-member-in-chain
rules P7.4
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop LINK
  leader: read p0.r b0 len=64 GROUP LINK
  lt: link_timeout 500ms GROUP
  m2: read p1.r b1 len=64
  behind1: nop
  mark: nop
wait r0 2
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
