# SPDX-License-Identifier: Apache-2.0
# Three files get the same data, then each is read back: three requests
# that depend on three. Requests are direct I/O, which completes in task
# work.
# Written by cases/families, family copies.
name group-write-many-read-back-direct
rules G14 G5
needs groups

ring r0 entries=8
file f0 size=4096 fs=ext4 direct
file f1 size=4096 fs=ext4 direct
file f2 size=4096 fs=ext4 direct
file f3 size=4096 fill=24 fs=ext4 direct
buf b0 size=4096
buf b1 size=4096
buf b2 size=4096
buf b3 size=4096

submit r0
  ahead: read f3 b0 len=4096 LINK
  w0: write f0 b0 len=4096 GROUP LINK
  w1: write f1 b0 len=4096 GROUP
  w2: write f2 b0 len=4096
  r0: read f0 b1 len=4096 GROUP
  r1: read f1 b2 len=4096 GROUP
  r2: read f2 b3 len=4096
wait r0
