# SPDX-License-Identifier: Apache-2.0
# Leader and member have registered personalities, another member one
# that is not registered: it is rejected by its own fault. Requests
# complete while they are submitted.
# Written by cases/families, family neighbours.
name group-own-personality-inline
rules G13
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

register r0 personality
submit r0
  leader: nop personality=1 GROUP
  m1: nop personality=1 GROUP
  bad: nop personality=7 GROUP
  m3: nop
  mark: nop
wait r0 1
wait r0
