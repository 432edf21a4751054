# SPDX-License-Identifier: Apache-2.0
# What can be done to an open file besides reading and writing it.
name plain-file-ops
rules G12

ring r0 entries=16
file f0 size=8192 fill=3 fs=ext4
buf b0 size=4096
text x0 user.ringproof

submit r0
  fallocate f0 addr=16384
  ftruncate f0 off=8192
  sync_file_range f0 len=4096
  fadvise f0 len=4096 flags=0x3
  madvise b0 len=4096 flags=0x4
  fsync f0 flags=DATASYNC
wait r0
