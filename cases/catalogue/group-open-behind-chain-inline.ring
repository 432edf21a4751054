# SPDX-License-Identifier: Apache-2.0
# A link chain is open when a group begins that the end of the
# submission closes. In one revision the group comes after the chain, in
# the other it is its last element. Requests complete while they are
# submitted.
# Written by cases/families, family revisions.
name group-open-behind-chain-inline
rules G2 P4.8 P7.9
needs groups

ring r0 entries=4

submit r0
  ahead: nop LINK
  second: nop LINK
  leader: nop GROUP
  m1: nop GROUP
wait r0
