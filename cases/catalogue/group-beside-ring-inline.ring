# SPDX-License-Identifier: Apache-2.0
# Two rings, each with a group. The second ring's must not wait for the
# first ring's. Requests complete while they are submitted.
# Written by cases/families, family neighbours.
name group-beside-ring-inline
rules G12
needs groups

ring r0 entries=4
ring r1 entries=4

submit r0
  leader0: nop GROUP
  m0: nop
submit r1
  leader1: nop GROUP
  m1: nop
wait r1
wait r0
