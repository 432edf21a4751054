# SPDX-License-Identifier: Apache-2.0
# A socket is made, bound, listened on, connected to and accepted from.
name plain-socket-opcodes
rules G12

ring r0 entries=16
socket s0
socket s1
addr a0 ringproof-plain-sockets
buf b0 size=32 fill=3
buf b1 size=32

register r0 files - -
submit r0
  bind s0 a0 LINK
  listen s0 len=4 LINK
  socket 1 type=1 file_index=2
wait r0
submit r0
  accept s0 file_index=1
  connect s1 a0
wait r0
submit r0
  send s1 b0 len=32
  recv 0 b1 len=32 FIXED_FILE
wait r0
submit r0
  shutdown s1 len=2
wait r0
