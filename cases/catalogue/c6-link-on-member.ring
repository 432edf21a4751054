# SPDX-License-Identifier: Apache-2.0
# LINK on a member in the middle, with a request behind the group: is
# the group rejected, or the flag dropped?
name c6-link-on-member
rules C6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop GROUP LINK
  m2: nop
  behind: nop
wait r0
