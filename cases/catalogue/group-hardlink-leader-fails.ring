# SPDX-License-Identifier: Apache-2.0
# A hard link holds although the leader fails.
name group-hardlink-leader-fails
rules G6 P4.4
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop inject=-EIO GROUP HARDLINK
  m1: nop
  next: nop
wait r0
