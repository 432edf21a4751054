# SPDX-License-Identifier: Apache-2.0
# Only a member asks for io-wq, and is done there on its own. The
# leader's CQE still comes last, and the others must not be sent to
# io-wq. Requests complete while they are submitted.
# Written by cases/families, family workers.
name group-async-for-member-inline
rules G9 G4 P7.10
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4
buf b0 size=64

submit r0
  leader: nop GROUP
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: nop
wait r0
