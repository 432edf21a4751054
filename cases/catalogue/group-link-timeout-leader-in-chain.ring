# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT leads a group. The revision that refuses it fails the
# group. The group is part of a link chain.
# Written by cases/families, family revisions.
name group-link-timeout-leader-in-chain
rules P7.4
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  nop LINK
  lt: link_timeout 500ms GROUP LINK
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  behind1: nop
  mark: nop
wait r0 2
feed p0.w 64 fill=9
wait r0
