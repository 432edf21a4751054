# SPDX-License-Identifier: Apache-2.0
# Third of the three uses: the same data goes to many files, which are
# then read back, N to M.
name group-nm-write-many-read-back
rules G5 G13 G14
needs groups

ring r0 entries=8
file f0 size=0
file f1 size=0
file f2 size=0 fs=ext4
buf out size=2048 fill=7
buf in size=8192

submit r0
  leader0: write f0 out len=2048 GROUP LINK
  write f1 out len=2048 GROUP
  write f2 out len=2048
  leader1: read f0 in len=2048 GROUP
  read f1 in+2048 len=2048 GROUP
  read f2 in+4096 len=2048 GROUP
  read f2 in+6144 len=1024 off=1024
wait r0
