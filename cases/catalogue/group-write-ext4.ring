# SPDX-License-Identifier: Apache-2.0
# Writes to three files on ext4, where a write that cannot go on without
# blocking moves to io-wq.
name group-write-ext4
rules G3 G4 G13
needs groups

ring r0 entries=8
file f0 size=4096 fs=ext4
file f1 size=4096 fill=1 fs=ext4
file f2 size=0 fs=ext4
buf b0 size=4096 fill=5
buf b1 size=4096 fill=6

submit r0
  leader: write f0 b0 len=4096 GROUP
  m1: write f1 b1 len=2000 off=1000 GROUP
  m2: write f2 b1 len=4096
wait r0
