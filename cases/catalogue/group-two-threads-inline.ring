# SPDX-License-Identifier: Apache-2.0
# Two threads submit groups to one ring. Each submission is its own:
# what one thread leaves open ends there. Requests complete while they
# are submitted.
# Written by cases/families, family neighbours.
name group-two-threads-inline
rules G12 G2
needs groups

ring r0 entries=4

t1: submit r0 &
  leader0: nop GROUP
  m0: nop GROUP
submit r0
  leader1: nop GROUP
  m1: nop
  after: nop
join t1
wait r0
