# SPDX-License-Identifier: Apache-2.0
# A message to another ring, and a file for its table.
name plain-msg-ring
rules G12

ring r0 entries=8
ring r1 entries=8
pipe p0

register r0 files p0.r
register r1 files - -
submit r0
  msg_ring r1 len=5 off=77
  msg_ring r1 addr=1 flags=CQE_SKIP file_index=2
wait r0
wait r1 1
