# SPDX-License-Identifier: Apache-2.0
# A group that fills the submission queue: 63 members drop their
# references before the leader may post.
name group-nop-64
rules G3 G4 G10
needs groups

ring r0 entries=64

submit r0
  leader: nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop GROUP
  nop
wait r0
