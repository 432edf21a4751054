# SPDX-License-Identifier: Apache-2.0
# One receive completes again and again into a ring of buffers.
name plain-recv-multishot
rules G12

ring r0 entries=8
sockets s0
buf b0 size=256

register r0 bufring b0 group=1 entries=4 size=64
submit r0
  many: recv s0.b index=1 ioprio=MULTISHOT BUFFER_SELECT
feed s0.a 8 fill=2
wait r0 1
feed s0.a 8 fill=2
wait r0 1
cancel r0 many timeout=1s
wait r0
