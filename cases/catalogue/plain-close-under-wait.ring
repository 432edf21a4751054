# SPDX-License-Identifier: Apache-2.0
# The ring is closed and unmapped while another thread waits on it.
name plain-close-under-wait
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
t1: wait r0 1 timeout=20ms &
close r0
