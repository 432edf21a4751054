# SPDX-License-Identifier: Apache-2.0
# Two groups with as many CQEs as the queue holds each: the second one's
# go to the overflow list and must come out in order.
name group-overflow
rules G3 G4 G10
needs groups

ring r0 entries=8 cq=8

submit r0
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop
submit r0
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop
wait r0
