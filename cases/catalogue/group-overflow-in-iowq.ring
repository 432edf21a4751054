# SPDX-License-Identifier: Apache-2.0
# The queue is full when a worker is done with the last member, so that
# the CQEs of member and leader both overflow. None is lost. The other
# ring gives the worker the time that it takes.
name group-overflow-in-iowq
rules C4 G3 G4
needs groups

ring r0 entries=4 cq=4
ring r1 entries=1

submit r0
  nop
  nop
  nop
  nop
submit r0
  leader: nop GROUP
  m1: nop ASYNC
submit r1
  timeout 20ms
wait r1
wait r0
