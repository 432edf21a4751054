# SPDX-License-Identifier: Apache-2.0
# A member that is rejected does not end the submission within its
# group, and not behind it if the group is linked.
name group-rejected-goes-on
rules G1 G2 P4.6
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP
  m1: op=255 GROUP
  m2: nop
wait r0
submit r0
  leader2: nop GROUP LINK
  m3: op=255
  next: nop
wait r0
