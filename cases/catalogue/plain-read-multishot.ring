# SPDX-License-Identifier: Apache-2.0
# Reads from a pipe that repeat, with buffers of a ring.
name plain-read-multishot
rules G12

ring r0 entries=8
pipe p0
buf b0 size=256

register r0 bufring b0 group=1 entries=4 size=64
submit r0
  many: read_multishot p0.r index=1 BUFFER_SELECT
feed p0.w 8 fill=2
wait r0 1
cancel r0 many timeout=1s
wait r0
