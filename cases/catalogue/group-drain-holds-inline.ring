# SPDX-License-Identifier: Apache-2.0
# What is submitted after a drained group must wait until all of it has
# completed, the member that is done last included. Requests complete
# while they are submitted.
# Written by cases/families, family drains.
name group-drain-holds-inline
rules G8
needs groups

ring r0 entries=8

submit r0
  early: nop
  leader: nop GROUP DRAIN
  m1: nop GROUP
  m2: nop
  later: nop
submit r0
  latest: nop
wait r0
