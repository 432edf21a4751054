# SPDX-License-Identifier: Apache-2.0
# A leader that is done waits for its members with its CQE, not with
# its file: a member that reads from the pipe sees the end of it once
# the program has closed the end that the leader wrote to.
name group-leader-lets-go
rules P7.1 G4
needs groups

ring r0 entries=8
pipe p0
buf b0 size=64 fill=3
buf b1 size=64
buf b2 size=64

submit r0
  leader: write p0.w b0 len=64 GROUP
  m1: read p0.r b1 len=64 GROUP
  m2: read p0.r b2 len=64
wait r0 1
close p0.w
wait r0
