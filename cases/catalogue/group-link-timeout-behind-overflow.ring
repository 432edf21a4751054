# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT stands directly behind a linked group. The revision that
# refuses it fails the chain. The completion queue is full: every CQE
# goes to the overflow list.
# Written by cases/families, family revisions.
name group-link-timeout-behind-overflow
rules P7.4
needs groups

ring r0 entries=4 cq=4 flags=SUBMIT_ALL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64
  lt: link_timeout 500ms
  mark: nop
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
