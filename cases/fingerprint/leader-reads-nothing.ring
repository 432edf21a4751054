# SPDX-License-Identifier: Apache-2.0
# The leader reads from a descriptor that is not there: do the members
# run?
name leader-reads-nothing
rules P4.4 P7.5
needs groups

ring r0 entries=4
buf b0 size=64

submit r0
  leader: read -1 b0 len=64 GROUP
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0
