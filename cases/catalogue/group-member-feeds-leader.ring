# SPDX-License-Identifier: Apache-2.0
# The leader reads what its member writes. That ends only if the member
# does not wait for the leader.
name group-member-feeds-leader
rules G4 P4.1
needs groups

ring r0 entries=4
pipe p0
buf in size=64
buf out size=64 fill=3

submit r0
  leader: read p0.r in len=64 GROUP
  m1: write p0.w out len=64
wait r0 timeout=100ms
