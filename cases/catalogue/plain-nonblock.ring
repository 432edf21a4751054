# SPDX-License-Identifier: Apache-2.0
# The empty pipe is open with O_NONBLOCK: the read does not wait, it
# fails with -EAGAIN.
name plain-nonblock
rules G12

ring r0 entries=4
pipe p0 nonblock
buf b0 size=64

submit r0
  read p0.r b0 len=64
  nop
wait r0
