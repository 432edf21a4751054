# SPDX-License-Identifier: Apache-2.0
# A group is rejected while a drained request ahead of it waits: its
# CQEs are none of those that are waited for.
name group-rejected-while-deferred
rules P7.6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  early: read p0.r b0 len=64
  drained: nop DRAIN
  leader: nop GROUP
  m1: op=99
feed p0.w 64 fill=9
wait r0
