# SPDX-License-Identifier: Apache-2.0
# Only the leader asks for io-wq. It must run there, and its members
# must not be sent there with it. Requests complete while they are
# submitted.
# Written by cases/families, family workers.
name group-async-for-leader-inline
rules G9 P7.10
needs groups

ring r0 entries=4
file f0 size=4096 fill=21 fs=ext4
buf b0 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  m1: nop GROUP
  m2: nop
wait r0 1
wait r0
