# SPDX-License-Identifier: Apache-2.0
# Leader and member have registered personalities, another member one
# that is not registered: it is rejected by its own fault. Requests run
# in io-wq.
# Written by cases/families, family neighbours.
name group-own-personality-io-wq
rules G13
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

register r0 personality
submit r0
  leader: read f0 b0 len=64 personality=1 GROUP ASYNC
  m1: read f1 b1 len=64 personality=1 GROUP ASYNC
  bad: nop personality=7 GROUP
  m3: nop
  mark: nop
wait r0 1
wait r0
