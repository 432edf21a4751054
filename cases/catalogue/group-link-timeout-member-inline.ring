# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT is a member. The revision that refuses it fails the
# group; the other has it go its own way and promises nothing of its
# result. Requests complete while they are submitted.
# Written by cases/families, family revisions.
name group-link-timeout-member-inline
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  lt: link_timeout 500ms GROUP
  m2: nop
  mark: nop
wait r0 1
wait r0
