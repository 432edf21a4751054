# SPDX-License-Identifier: Apache-2.0
# Reads and writes of a device that is polled for completions.
name plain-iopoll
rules G12
needs null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=3 direct poll
buf b0 size=8192
buf b1 size=4096 fill=9

submit r0
  read n0 b0 len=4096
  read n0 b0+4096 len=4096 off=4096
wait r0
submit r0
  write n0 b1 len=4096 off=4096
wait r0
