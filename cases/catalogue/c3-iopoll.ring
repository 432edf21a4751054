# SPDX-License-Identifier: Apache-2.0
# Groups whose requests complete by polling the device.
name c3-iopoll
rules C3 G4
needs groups null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=16384 fill=3 direct poll
buf b0 size=4096
buf b1 size=4096
buf b2 size=4096

submit r0
  leader: read n0 b0 len=4096 GROUP
  m1: read n0 b1 len=4096 off=4096 GROUP
  m2: read n0 b2 len=4096 off=8192
wait r0
