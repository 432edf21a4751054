# SPDX-License-Identifier: Apache-2.0
# All of the group runs in io-wq, with a link behind it: one CQE of the
# leader, and the next request is issued after it, once.
name group-async-linked
rules G4 G5 G9 G10
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP LINK ASYNC
  m1: nop GROUP ASYNC
  m2: nop ASYNC
  next: nop
wait r0
