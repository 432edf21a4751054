# SPDX-License-Identifier: Apache-2.0
# The process executes itself anew: its PID stays, its threads and rings
# end with requests in flight.
name plain-exec
rules G12

ring r0 entries=4
pipe p0
buf b0 size=128

submit r0
  read p0.r b0 len=64
t1: submit r0
  read p0.r b0+64 len=64 ASYNC
t1: wait r0 1 &
exec
