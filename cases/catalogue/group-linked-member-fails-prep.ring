# SPDX-License-Identifier: Apache-2.0
# A member of a linked group cannot be parsed: it gets its own errno,
# the leader -ECANCELED, the other member runs, the chain is cancelled.
name group-linked-member-fails-prep
rules G6 P4.6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP LINK
  m1: op=255 GROUP
  m2: nop
  next: nop
wait r0
