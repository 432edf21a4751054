# SPDX-License-Identifier: Apache-2.0
# Three reads into one buffer, then one write of all. A write that came
# too early writes what was not yet read. Requests are direct I/O, which
# completes in task work.
# Written by cases/families, family copies.
name group-read-many-write-one-direct
rules G14 G5
needs groups

ring r0 entries=4
file f0 size=12288 fs=ext4 direct
file f1 size=4096 fill=22 fs=ext4 direct
file f2 size=4096 fill=23 fs=ext4 direct
file f3 size=4096 fill=24 fs=ext4 direct
buf b0 size=12288

submit r0
  leader: read f1 b0 len=4096 GROUP LINK
  m1: read f2 b0+4096 len=4096 GROUP
  m2: read f3 b0+8192 len=4096
  next: write f0 b0 len=12288
wait r0
