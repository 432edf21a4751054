# SPDX-License-Identifier: Apache-2.0
# The process exits while a read waits on a pipe.
name plain-exit
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  nop
wait r0 1
exit
