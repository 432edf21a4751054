# SPDX-License-Identifier: Apache-2.0
# What is rejected behind a drained group that waits is not run, and its
# CQE waits for its turn: drains count CQEs.
name group-drain-rejected-behind
rules G8 G12
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  early: read p0.r b0 len=64
  leader: nop GROUP DRAIN
  m1: nop
  bad: nop flags=0x80
  bad2: op=255
  later: nop DRAIN
feed p0.w 64 fill=9
wait r0
