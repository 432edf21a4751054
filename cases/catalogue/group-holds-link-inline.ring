# SPDX-License-Identifier: Apache-2.0
# The request linked behind a group must wait for the member that is
# done last, not only for the leader. Requests complete while they are
# submitted.
# Written by cases/families, family chains.
name group-holds-link-inline
rules G5
needs groups

ring r0 entries=4

submit r0
  leader: nop GROUP LINK
  m1: nop GROUP
  m2: nop
  next: nop
wait r0
