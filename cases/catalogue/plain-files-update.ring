# SPDX-License-Identifier: Apache-2.0
# A request changes the table of registered files.
name plain-files-update
rules G12

ring r0 entries=8
file f0 size=64 fill=3
buf b0 size=64
fds l0 f0

register r0 files - -
submit r0
  files_update l0 fd=0 len=1 off=1 LINK
  read 1 b0 len=64 FIXED_FILE
wait r0
