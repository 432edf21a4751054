# SPDX-License-Identifier: Apache-2.0
# The last member has LINK: one revision does not take it for the
# group's own, so that what follows is no element of its chain. The
# other refuses the group. Requests wait in an armed poll until their
# pipe is fed.
# Written by cases/families, family revisions.
name group-last-member-link-poll
rules P4.2 P7.2
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  m2: read p1.r b1 len=64 LINK
  mark: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
