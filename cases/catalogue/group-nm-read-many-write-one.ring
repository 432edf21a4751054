# SPDX-License-Identifier: Apache-2.0
# First of the three uses that motivate groups: many files are read into
# one buffer, which is then written to one file.
name group-nm-read-many-write-one
rules G5 G13 G14
needs groups

ring r0 entries=8
file f0 size=1024 fill=1
file f1 size=1024 fill=2
file f2 size=1024 fill=3
file f3 size=1024 fill=4
file out size=0
buf b0 size=4096

submit r0
  leader: read f0 b0 len=1024 GROUP LINK
  read f1 b0+1024 len=1024 GROUP
  read f2 b0+2048 len=1024 GROUP
  read f3 b0+3072 len=1024
  write out b0 len=4096
wait r0
