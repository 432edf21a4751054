# SPDX-License-Identifier: Apache-2.0
# A member of a linked group is rejected when it is parsed: do the
# other members run?
name linked-member-rejected
rules P4.6 P7.6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP LINK
  m1: nop GROUP
  bad: op=200
  next: nop
  mark: nop
wait r0
