# SPDX-License-Identifier: Apache-2.0
# No memory for the vector of one request: it fails alone.
name plain-fault-slab
rules G12
needs fault-injection

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0
buf b0 size=128
iovec v0 b0:8 b0 b0 b0 b0 b0 b0 b0 b0

submit r0  # after which the kernel has requests in store
  nop
wait r0
fault slab nth=1
submit r0
  writev p0.w v0 len=9
  nop
wait r0
