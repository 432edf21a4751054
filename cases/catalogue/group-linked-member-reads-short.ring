# SPDX-License-Identifier: Apache-2.0
# A member that reads less than it was asked for counts as failed: what
# is linked to its group is cancelled.
name group-linked-member-reads-short
rules P7.7 P4.5 G6
needs groups

ring r0 entries=8
file f0 size=100 fill=1
buf b0 size=256

submit r0
  leader: nop GROUP LINK
  m1: read f0 b0 len=256 GROUP
  m2: nop
  next: nop
wait r0
