# SPDX-License-Identifier: Apache-2.0
# The leader is a timeout, which sits on a list of its own until it
# fires.
name c5-timeout-leader
rules C5 G3 G10
needs groups

ring r0 entries=8

submit r0
  leader: timeout 2ms GROUP
  m1: nop GROUP
  m2: timeout 1ms GROUP
  m3: nop
wait r0
