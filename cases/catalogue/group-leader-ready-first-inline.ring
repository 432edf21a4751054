# SPDX-License-Identifier: Apache-2.0
# The leader has done its work before a member has. Its CQE must wait
# for that member's, and its memory as well. Requests complete while
# they are submitted.
# Written by cases/families, family order.
name group-leader-ready-first-inline
rules G3 G4 G10
needs groups

ring r0 entries=4

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: nop
wait r0
