# SPDX-License-Identifier: Apache-2.0
# A member of a group that is not linked is rejected while it is parsed.
# One revision runs the others, the other cancels them. Requests
# complete while they are submitted.
# Written by cases/families, family revisions.
name group-member-rejected-inline
rules P7.6 P4.6 G3
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  bad: op=99 GROUP
  m2: nop
  mark: nop
wait r0 1
wait r0
