# SPDX-License-Identifier: Apache-2.0
# Registered files as targets, an empty slot that is filled later, and a
# request that closes a slot.
name plain-fixed-files
rules G12

ring r0 entries=8
file f0 size=64 fill=3
pipe p0
buf b0 size=128

register r0 files f0 - p0.w
submit r0
  read 0 b0 len=64 FIXED_FILE
  read 1 b0 len=64 FIXED_FILE
  write 2 b0+64 len=32 off=-1 FIXED_FILE
wait r0
register r0 files-update f0 from=1
submit r0
  read 1 b0+64 len=64 LINK FIXED_FILE
  close 0 file_index=2
wait r0
unregister r0 files
