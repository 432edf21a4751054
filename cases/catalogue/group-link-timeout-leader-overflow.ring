# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT leads a group. The revision that refuses it fails the
# group. The completion queue is full: every CQE goes to the overflow
# list.
# Written by cases/families, family revisions.
name group-link-timeout-leader-overflow
rules P7.4
needs groups

ring r0 entries=4 cq=4 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  lt: link_timeout 500ms GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: nop
  mark: nop
feed p0.w 64 fill=9
wait r0
