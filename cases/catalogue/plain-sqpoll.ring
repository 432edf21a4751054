# SPDX-License-Identifier: Apache-2.0
# The kernel's submission thread takes the batch.
name plain-sqpoll
rules G12

ring r0 entries=8 flags=SQPOLL
file f0 size=4096 fill=8
buf b0 size=4096

submit r0
  nop
  read f0 b0 len=4096
  nop
wait r0
