# SPDX-License-Identifier: Apache-2.0
# O_DIRECT reads: leader and members complete from the block layer, in
# whatever order it likes. The leader's CQE is the last all the same.
name group-direct
rules G3 G4 G10 G13
needs groups

ring r0 entries=8
file f0 size=16384 fill=5 fs=ext4 direct
buf b0 size=16384

submit r0
  leader: read f0 b0 len=4096 GROUP
  m1: read f0 b0+4096 len=4096 off=4096 GROUP
  m2: read f0 b0+8192 len=8192 off=8192
wait r0
