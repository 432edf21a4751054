# SPDX-License-Identifier: Apache-2.0
# A command to a socket: how much can be read.
name plain-uring-cmd
rules G12

ring r0 entries=8
sockets s0

feed s0.a 5
submit r0
  uring_cmd s0.b
wait r0
