# SPDX-License-Identifier: Apache-2.0
# Registered buffers, and a range outside of one.
name plain-fixed-buffers
rules G12

ring r0 entries=8
file f0 size=256 fill=3
file f1 size=0
buf b0 size=256

register r0 buffers b0:128 b0+128
submit r0
  read_fixed f0 b0 len=128 LINK
  write_fixed f1 b0 len=128
  read_fixed f0 b0+128 len=64 off=128 index=1
  read_fixed f0 b0+128 len=64
wait r0
unregister r0 buffers
