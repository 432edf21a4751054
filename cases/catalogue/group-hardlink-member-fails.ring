# SPDX-License-Identifier: Apache-2.0
# A hard link holds although a member fails.
name group-hardlink-member-fails
rules G6
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop GROUP HARDLINK
  m1: nop inject=-EIO GROUP
  m2: nop
  next: nop
wait r0
