# SPDX-License-Identifier: Apache-2.0
# Only one member asks for io-wq. It may well be the last to complete,
# and then posts the leader's CQE too.
name group-async-member
rules G4 G9 G10
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP
  m1: nop GROUP ASYNC
  m2: nop
wait r0
