# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT leads a group. The revision that refuses it fails the
# group. Requests complete while they are submitted.
# Written by cases/families, family revisions.
name group-link-timeout-leader-inline
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  lt: link_timeout 500ms GROUP
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0 1
wait r0
