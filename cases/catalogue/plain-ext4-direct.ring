# SPDX-License-Identifier: Apache-2.0
# O_DIRECT reads: the completion comes from the block layer, not from
# the submitting task.
name plain-ext4-direct
rules G12

ring r0 entries=8
file f0 size=16384 fill=5 fs=ext4 direct
buf b0 size=16384

submit r0
  read f0 b0 len=4096
  read f0 b0+4096 len=4096 off=4096
  read f0 b0+8192 len=8192 off=8192
wait r0
