# SPDX-License-Identifier: Apache-2.0
# One read, then three files get what it read. Requests are direct I/O,
# which completes in task work.
# Written by cases/families, family copies.
name group-read-one-write-many-direct
rules G14 G5
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4 direct
file f1 size=4096 fs=ext4 direct
file f2 size=4096 fs=ext4 direct
file f3 size=4096 fs=ext4 direct
buf b0 size=4096

submit r0
  ahead: read f0 b0 len=4096 LINK
  leader: write f1 b0 len=4096 GROUP
  m1: write f2 b0 len=4096 GROUP
  m2: write f3 b0 len=4096
wait r0
