# SPDX-License-Identifier: Apache-2.0
# Each request of a group has its own file, offset and buffer. Data that
# went by another's differs from what is expected. Requests complete
# while they are submitted.
# Written by cases/families, family neighbours.
name group-own-files-inline
rules G13 G4
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4
file f1 size=4096 fill=22 fs=ext4
file f2 size=4096 fill=23 fs=ext4
file f3 size=4096 fill=24 fs=ext4
buf b0 size=64
buf b1 size=64
buf b2 size=64
buf b3 size=64

submit r0
  leader: read f0 b0 len=64 GROUP
  m1: read f1 b1 len=64 GROUP
  m2: read f2 b2 len=64 GROUP
  m3: read f3 b3 len=64
wait r0
