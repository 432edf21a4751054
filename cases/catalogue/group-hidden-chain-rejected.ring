# SPDX-License-Identifier: Apache-2.0
# A chain whose head leads a group and has CQE_SKIP_SUCCESS, with an
# element that is rejected. What is cancelled along with the head is
# hidden, be it a member or linked behind the group.
name group-hidden-chain-rejected
rules G7
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP LINK SKIP
  m1: nop GROUP
  m2: nop
  next: nop LINK
  bad: op=255
  mark: nop
wait r0
