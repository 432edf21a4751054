# SPDX-License-Identifier: Apache-2.0
# The leader's handler cannot go on without blocking and is sent to io-
# wq.
name c5-punted-leader
rules C5 G3 G10
needs groups

ring r0 entries=8
file f0 size=4096 fill=8 fs=ext4
buf b0 size=4096

submit r0
  leader: fsync f0 GROUP
  m1: read f0 b0 len=4096 GROUP
  m2: nop
wait r0
