# SPDX-License-Identifier: Apache-2.0
# The first page that is asked for is not there: the write may fail, and
# nothing else.
name plain-fault-page
rules G12
needs fault-injection

ring r0 entries=4
pipe p0
buf b0 size=64 fill=3

fault page nth=1
submit r0
  write p0.w b0 len=64
  nop
wait r0
