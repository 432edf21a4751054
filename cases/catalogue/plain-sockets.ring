# SPDX-License-Identifier: Apache-2.0
# A RECV waits until a SEND on the other end of the socket pair feeds
# it.
name plain-sockets
rules G12

ring r0 entries=4
sockets s0
buf in size=256
buf out size=256 fill=6

submit r0
  recv s0.a in len=256
  send s0.b out len=256
wait r0
