# SPDX-License-Identifier: Apache-2.0
# Three reads into one buffer, then one write of all. A write that came
# too early writes what was not yet read. Requests complete while they
# are submitted.
# Written by cases/families, family copies.
name group-read-many-write-one-inline
rules G14 G5
needs groups

ring r0 entries=4
file f0 size=0
file f1 size=4096 fill=22 fs=ext4
file f2 size=4096 fill=23 fs=ext4
file f3 size=4096 fill=24 fs=ext4
buf b0 size=192

submit r0
  leader: read f1 b0 len=64 GROUP LINK
  m1: read f2 b0+64 len=64 GROUP
  m2: read f3 b0+128 len=64
  next: write f0 b0 len=192
wait r0
