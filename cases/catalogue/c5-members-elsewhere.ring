# SPDX-License-Identifier: Apache-2.0
# Members go to a poll, a timer and io-wq while the leader is done at
# once.
name c5-members-elsewhere
rules C5 G3 G10
needs groups

ring r0 entries=8
pipe p0
file f0 size=4096 fill=8 fs=ext4
buf b0 size=64

submit r0
  leader: nop GROUP
  m1: read p0.r b0 len=64 GROUP
  m2: timeout 2ms GROUP
  m3: fsync f0 GROUP
  m4: poll_add p0.w events=OUT
feed p0.w 64 fill=9
wait r0
