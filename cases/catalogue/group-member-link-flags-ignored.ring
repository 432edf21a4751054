# SPDX-License-Identifier: Apache-2.0
# LINK, HARDLINK and DRAIN on members have no effect: a failing member
# with LINK cancels nobody, and the last one's LINK starts no chain.
name group-member-link-flags-ignored
rules P4.2
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop GROUP
  m1: nop inject=-EIO GROUP LINK
  m2: nop GROUP HARDLINK
  m3: nop GROUP DRAIN
  m4: nop inject=-EIO LINK
  next: nop
wait r0
