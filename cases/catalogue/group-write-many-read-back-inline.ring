# SPDX-License-Identifier: Apache-2.0
# Three files get the same data, then each is read back: three requests
# that depend on three. Requests complete while they are submitted.
# Written by cases/families, family copies.
name group-write-many-read-back-inline
rules G14 G5
needs groups

ring r0 entries=8
file f0 size=0
file f1 size=0
file f2 size=0
file f3 size=4096 fill=24 fs=ext4
buf b0 size=64
buf b1 size=64
buf b2 size=64
buf b3 size=64

submit r0
  ahead: read f3 b0 len=64 LINK
  w0: write f0 b0 len=64 GROUP LINK
  w1: write f1 b0 len=64 GROUP
  w2: write f2 b0 len=64
  r0: read f0 b1 len=64 GROUP
  r1: read f1 b2 len=64 GROUP
  r2: read f2 b3 len=64
wait r0
