# SPDX-License-Identifier: Apache-2.0
# Names come and go in a directory.
name plain-paths
rules G12

ring r0 entries=16
dir d0
dir d1 fs=ext4
buf b0 size=256
text n0 one
text n1 two/three
text n2 two
how h0 flags=RDWR|CREAT mode=384

register r0 files - - -
submit r0
  openat d0 n0 len=384 flags=RDWR|CREAT file_index=2 LINK
  write 1 b0 len=10 LINK FIXED_FILE
  mkdirat d0 n2 len=448 LINK
  linkat d0 n0 fd2=d0 addr2=n1 LINK
  statx d0 n1 addr2=b0 len=2047 LINK
  unlinkat d0 n0 LINK
  renameat d0 n1 fd2=d0 addr2=n0 LINK
  openat2 d1 n0 addr2=h0 len=24 file_index=1 LINK
  symlinkat d1 n0 addr2=n2 LINK
  unlinkat d0 n2 flags=REMOVEDIR LINK
  close 0 file_index=2
wait r0
