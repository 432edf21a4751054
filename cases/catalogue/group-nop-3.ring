# SPDX-License-Identifier: Apache-2.0
# A leader and two members between plain requests, which are not part of
# it: the group starts with the first bit and ends one SQE after the
# last.
name group-nop-3
rules G1 G3 G4 G10 G12
needs groups

ring r0 entries=8

submit r0
  nop
  leader: nop GROUP
  m1: nop GROUP
  m2: nop
  nop
wait r0
