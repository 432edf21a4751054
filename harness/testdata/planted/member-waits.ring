# SPDX-License-Identifier: Apache-2.0
# The member writes what its leader, which blocks in io-wq, reads:
# planted/member-waits.patch does not issue it before the leader is done.
name planted-member-waits
rules P4.1
needs groups

ring r0 entries=4
pipe p0
buf in size=64
buf out size=64 fill=3

submit r0
  leader: read p0.r in len=64 GROUP ASYNC
  m1: write p0.w out len=64
wait r0
