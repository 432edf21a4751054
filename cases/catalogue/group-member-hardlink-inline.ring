# SPDX-License-Identifier: Apache-2.0
# A member has HARDLINK. One revision ignores the flag: nothing waits
# and nothing is cancelled for it. The other refuses the group. Requests
# complete while they are submitted.
# Written by cases/families, family revisions.
name group-member-hardlink-inline
rules P4.2 P7.2
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop GROUP HARDLINK
  m2: nop
  mark: nop
wait r0 1
wait r0
