# SPDX-License-Identifier: Apache-2.0
# Each request of a group names a registered file by its slot, and the
# slots are in another order than the requests. Requests complete while
# they are submitted.
# Written by cases/families, family neighbours.
name group-fixed-files-inline
rules G13 G4
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4
file f1 size=4096 fill=22 fs=ext4
file f2 size=4096 fill=23 fs=ext4
buf b0 size=64
buf b1 size=64
buf b2 size=64

register r0 files f0 f1 f2
submit r0
  leader: read 2 b2 len=64 GROUP FIXED_FILE
  m1: read 1 b1 len=64 GROUP FIXED_FILE
  m2: read 0 b0 len=64 FIXED_FILE
wait r0
