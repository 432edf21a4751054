# SPDX-License-Identifier: Apache-2.0
# The last member has LINK: one revision does not take it for the
# group's own, so that what follows is no element of its chain. The
# other refuses the group. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-last-member-link-io-wq
rules P4.2 P7.2
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  m1: nop GROUP
  m2: read f1 b1 len=64 LINK ASYNC
  mark: nop
wait r0 1
wait r0
