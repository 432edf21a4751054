# SPDX-License-Identifier: Apache-2.0
# IO_DRAIN on a member: ignored, or is the group refused?
name member-has-drain
rules P4.2 P7.2
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop GROUP DRAIN
  m2: nop
  mark: nop
wait r0
