# SPDX-License-Identifier: Apache-2.0
# A request acts as the user that a personality stands for: it may not
# open what only root may.
name plain-personality
rules G12

ring r0 entries=8
dir d0
text n0 secret

register r0 files -
t1: uid 1000
t1: register r0 personality
submit r0
  openat d0 n0 len=384 flags=RDWR|CREAT file_index=1
wait r0
submit r0
  openat d0 n0 flags=RDWR personality=1
wait r0
t1: unregister r0 personality from=1
