# SPDX-License-Identifier: Apache-2.0
# Data that cannot be read from the process's memory.
name plain-fault-usercopy
rules G12
needs fault-injection

ring r0 entries=4
pipe p0
buf b0 size=64 fill=3

fault usercopy nth=1
submit r0
  write p0.w b0 len=64
  nop
wait r0
