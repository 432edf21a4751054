# SPDX-License-Identifier: Apache-2.0
# A member has CQE_SKIP_SUCCESS: one revision hides its CQE, the other
# refuses the group. Requests complete while they are submitted.
# Written by cases/families, family revisions.
name group-member-skips-inline
rules P4.3 P7.3
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop GROUP SKIP
  m2: nop
wait r0
