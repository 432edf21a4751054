# SPDX-License-Identifier: Apache-2.0
# Reads of one file into one buffer each, at different offsets. Every
# member uses its own descriptor, buffer, offset and length.
name group-read-data
rules G3 G4 G13
needs groups

ring r0 entries=8
file f0 size=8192 fill=1
file f1 size=4096 fill=2
buf b0 size=4096
buf b1 size=4096
buf b2 size=4096

submit r0
  leader: read f0 b0 len=4096 GROUP
  m1: read f0 b1+100 len=1000 off=5000 GROUP
  m2: read f1 b2 len=4096
wait r0
