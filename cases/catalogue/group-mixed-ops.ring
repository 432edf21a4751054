# SPDX-License-Identifier: Apache-2.0
# One group of unlike requests: file, pipe, socket, NOP. Some complete
# at once, some when the feed comes.
name group-mixed-ops
rules G3 G4 G10 G13
needs groups

ring r0 entries=8
file f0 size=4096 fill=1
pipe p0
sockets s0
buf b0 size=4096
buf b1 size=128
buf b2 size=256 fill=7

submit r0
  leader: read f0 b0 len=4096 GROUP
  m1: read p0.r b1 len=128 GROUP
  m2: send s0.a b2 len=256 GROUP
  m3: nop GROUP
  m4: write f0 b2 len=256 off=4096
wait r0 3
feed p0.w 128 fill=9
wait r0
