# SPDX-License-Identifier: Apache-2.0
# A group of one in the memory of a group that had members.
name group-of-one-recycled
rules P7.8 P4.7 G1
needs groups

ring r0 entries=4

submit r0
  leader: nop GROUP
  m1: nop
wait r0
submit r0
  one: nop GROUP
wait r0
