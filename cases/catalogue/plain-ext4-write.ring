# SPDX-License-Identifier: Apache-2.0
# Buffered writes to ext4, one of them past the end of the file, then an
# fsync as the last link. On ext4 a write may leave for io-wq on its
# own.
name plain-ext4-write
rules G12

ring r0 entries=8
file f0 size=4096 fill=1 fs=ext4
buf b0 size=8192 fill=2

submit r0
  write f0 b0 len=1000 off=500 LINK
  write f0 b0+4096 len=4096 off=4096 LINK
  fsync f0
wait r0
