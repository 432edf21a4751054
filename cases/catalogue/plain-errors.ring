# SPDX-License-Identifier: Apache-2.0
# Requests that fail on their own, each with an errno of its own: a
# descriptor that is none, an unknown opcode, a write to a reading end.
name plain-errors
rules G12

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  read -1 b0 len=64
  op=255
  write p0.r b0 len=64
  nop
wait r0
