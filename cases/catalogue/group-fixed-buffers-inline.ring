# SPDX-License-Identifier: Apache-2.0
# Each request of a group reads into a registered buffer of its own.
# Requests complete while they are submitted.
# Written by cases/families, family neighbours.
name group-fixed-buffers-inline
rules G13 G4
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4
file f1 size=4096 fill=22 fs=ext4
file f2 size=4096 fill=23 fs=ext4
buf b0 size=64
buf b1 size=64
buf b2 size=64

register r0 buffers b0 b1 b2
submit r0
  leader: read_fixed f2 b2 len=64 index=2 GROUP
  m1: read_fixed f1 b1 len=64 index=1 GROUP
  m2: read_fixed f0 b0 len=64
wait r0
