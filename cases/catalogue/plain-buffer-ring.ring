# SPDX-License-Identifier: Apache-2.0
# A ring of buffers that runs dry and is refilled.
name plain-buffer-ring
rules G12

ring r0 entries=8
sockets s0
buf b0 size=128

register r0 bufring b0 group=7 entries=2 size=64
feed s0.a 12
submit r0
  recv s0.b len=4 index=7 BUFFER_SELECT
wait r0
submit r0
  recv s0.b len=4 index=7 BUFFER_SELECT
wait r0
submit r0
  recv s0.b len=4 index=7 BUFFER_SELECT
wait r0
refill r0 group=7 from=1
submit r0
  recv s0.b len=4 index=7 BUFFER_SELECT
wait r0
unregister r0 bufring group=7
