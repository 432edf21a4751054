# SPDX-License-Identifier: Apache-2.0
# The members have what they wait for before the leader has. Each
# reference must drop once, and the leader completes the group. Requests
# complete while they are submitted.
# Written by cases/families, family order.
name group-members-ready-first-inline
rules G3 G4 G10
needs groups

ring r0 entries=4

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: nop GROUP
  m3: nop
wait r0
