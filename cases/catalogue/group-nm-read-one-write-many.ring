# SPDX-License-Identifier: Apache-2.0
# Second of the three uses: one file is read, and what it holds is
# written to many, on tmpfs and ext4.
name group-nm-read-one-write-many
rules G5 G13 G14
needs groups

ring r0 entries=8
file in size=4096 fill=5
file f0 size=0
file f1 size=4096 fill=1
file f2 size=0 fs=ext4
file f3 size=8192 fill=2 fs=ext4
buf b0 size=4096

submit r0
  read in b0 len=4096 LINK
  leader: write f0 b0 len=4096 GROUP
  write f1 b0 len=4096 GROUP
  write f2 b0 len=4096 GROUP
  write f3 b0 len=4096 off=2048
wait r0
