# SPDX-License-Identifier: Apache-2.0
# Only the leader asks for io-wq: the members stay out of it.
name group-async-leader
rules G4 G9
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP ASYNC
  m1: nop GROUP
  m2: nop
wait r0
