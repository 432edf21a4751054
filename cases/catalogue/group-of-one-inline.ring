# SPDX-License-Identifier: Apache-2.0
# A group of one, closed by the end of its submission: a plain request
# in one revision, refused in the other. Requests complete while they
# are submitted.
# Written by cases/families, family revisions.
name group-of-one-inline
rules P4.7 P7.8
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  mark: nop
  leader: nop GROUP
wait r0 1
wait r0
