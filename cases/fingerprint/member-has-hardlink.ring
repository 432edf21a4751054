# SPDX-License-Identifier: Apache-2.0
# IO_HARDLINK on the last member: ignored, or is the group refused?
name member-has-hardlink
rules P4.2 P7.2
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: nop HARDLINK
  mark: nop
wait r0
