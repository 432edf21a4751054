# SPDX-License-Identifier: Apache-2.0
# CQE_SKIP_SUCCESS on a member: allowed, or is the group refused?
name member-has-skip
rules P4.3 P7.3
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop GROUP SKIP
  m2: nop
  mark: nop
wait r0 1
wait r0
