# SPDX-License-Identifier: Apache-2.0
# A group, then a plain request, linked: the link flag of the leader
# counts for the whole group.
name group-chain-before-plain
rules G5
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP LINK
  m1: nop GROUP
  m2: nop
  next: nop
wait r0
