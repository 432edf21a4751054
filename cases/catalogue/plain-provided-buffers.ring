# SPDX-License-Identifier: Apache-2.0
# Buffers provided by requests, until there is none left.
name plain-provided-buffers
rules G12

ring r0 entries=8
pipe p0
buf b0 size=128

feed p0.w 128 fill=4
submit r0
  provide_buffers 2 b0 len=64 index=1
wait r0
submit r0
  read p0.r len=64 index=1 LINK BUFFER_SELECT
  read p0.r len=64 index=1 LINK BUFFER_SELECT
  remove_buffers 1 index=1
wait r0
