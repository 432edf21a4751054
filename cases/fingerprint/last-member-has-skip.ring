# SPDX-License-Identifier: Apache-2.0
# CQE_SKIP_SUCCESS on the last member of a linked group: allowed, or is
# the group refused?
name last-member-has-skip
rules P4.3 P7.3
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP LINK
  m1: nop GROUP
  m2: nop SKIP
  next: nop
  mark: nop
wait r0 1
wait r0
