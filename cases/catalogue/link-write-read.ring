# SPDX-License-Identifier: Apache-2.0
# What a write stored, the read linked behind it finds.
name link-write-read
rules G12

ring r0 entries=4
file f0 size=4096 fill=1
buf out size=4096 fill=2
buf in size=4096

submit r0
  write f0 out len=4096 LINK
  read f0 in len=4096
wait r0
