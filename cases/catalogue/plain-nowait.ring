# SPDX-License-Identifier: Apache-2.0
# RWF_NOWAIT on an empty pipe: the read does not wait, it fails with
# -EAGAIN.
name plain-nowait
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64 flags=NOWAIT
  nop
wait r0
