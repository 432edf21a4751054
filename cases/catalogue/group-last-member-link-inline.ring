# SPDX-License-Identifier: Apache-2.0
# The last member has LINK: one revision does not take it for the
# group's own, so that what follows is no element of its chain. The
# other refuses the group. Requests complete while they are submitted.
# Written by cases/families, family revisions.
name group-last-member-link-inline
rules P4.2 P7.2
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: nop LINK
  mark: nop
wait r0 1
wait r0
