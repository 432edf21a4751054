# SPDX-License-Identifier: Apache-2.0
# A leader that reads less than it was asked for counts as failed: its
# members and what is linked to it are cancelled, or only the latter.
name group-linked-leader-reads-short
rules P7.5 G6 P4.4
needs groups

ring r0 entries=8
file f0 size=100 fill=1
buf b0 size=256

submit r0
  leader: read f0 b0 len=256 GROUP LINK
  m1: nop GROUP
  m2: nop
  next: nop
wait r0
