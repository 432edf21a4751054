# SPDX-License-Identifier: Apache-2.0
# A drained group must wait for everything submitted earlier, a group
# among it. Requests complete while they are submitted.
# Written by cases/families, family drains.
name group-drain-waits-inline
rules G8
needs groups

ring r0 entries=8

submit r0
  early: nop
  leader0: nop GROUP
  m0: nop
  leader: nop GROUP DRAIN
  m1: nop
wait r0
