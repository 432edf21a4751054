# SPDX-License-Identifier: Apache-2.0
# All of the group runs in io-wq, in parallel: whoever is last drops the
# last reference.
name group-async-all
rules G4 G9 G10
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP ASYNC
  m1: nop GROUP ASYNC
  m2: nop GROUP ASYNC
  m3: nop ASYNC
wait r0
