# SPDX-License-Identifier: Apache-2.0
# One read, then three files get what it read. Requests complete while
# they are submitted.
# Written by cases/families, family copies.
name group-read-one-write-many-inline
rules G14 G5
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4
file f1 size=0
file f2 size=0
file f3 size=0
buf b0 size=64

submit r0
  ahead: read f0 b0 len=64 LINK
  leader: write f1 b0 len=64 GROUP
  m1: write f2 b0 len=64 GROUP
  m2: write f3 b0 len=64
wait r0
