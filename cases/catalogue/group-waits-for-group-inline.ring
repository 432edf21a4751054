# SPDX-License-Identifier: Apache-2.0
# Group behind group: each request of the second depends on all of the
# first. The first's members are done after its leader. Requests
# complete while they are submitted.
# Written by cases/families, family chains.
name group-waits-for-group-inline
rules G5 G4 G14
needs groups

ring r0 entries=8
file f0 size=0
buf b0 size=64 fill=5
buf b1 size=64

submit r0
  leader0: nop GROUP LINK
  m0: nop GROUP
  m1: write f0 b0 len=64
  leader1: read f0 b1 len=64 GROUP
  m2: nop GROUP
  m3: nop
wait r0
