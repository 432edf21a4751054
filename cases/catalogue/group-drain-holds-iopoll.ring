# SPDX-License-Identifier: Apache-2.0
# What is submitted after a drained group must wait until all of it has
# completed, the member that is done last included. Requests are reads
# that the kernel polls the device for.
# Written by cases/families, family drains.
name group-drain-holds-iopoll
rules G8
needs groups null-blk

ring r0 entries=8 flags=IOPOLL
nullb n0 size=8192 fill=6 direct poll
buf b0 size=512

submit r0
  early: nop
  leader: nop GROUP DRAIN
  m1: read n0 b0 len=512 GROUP
  m2: nop
  later: nop
submit r0
  latest: nop
wait r0
