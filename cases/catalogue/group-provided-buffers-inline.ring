# SPDX-License-Identifier: Apache-2.0
# The requests of a group take their buffers from those that an earlier
# request has provided. Requests complete while they are submitted.
# Written by cases/families, family neighbours.
name group-provided-buffers-inline
rules G13 G4
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4
file f1 size=4096 fill=22 fs=ext4
buf b0 size=256

submit r0
  provide_buffers 4 b0 len=64 index=1
wait r0
submit r0
  leader: read f0 len=64 index=1 GROUP BUFFER_SELECT
  m1: read f1 len=64 index=1 GROUP BUFFER_SELECT
  m2: nop
wait r0
