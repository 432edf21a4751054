# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT stands directly behind a linked group. The revision that
# refuses it fails the chain. Requests complete while they are
# submitted.
# Written by cases/families, family revisions.
name group-link-timeout-behind-inline
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP LINK
  m1: nop
  lt: link_timeout 500ms
  mark: nop
wait r0 1
wait r0
