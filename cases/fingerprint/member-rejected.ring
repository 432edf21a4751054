# SPDX-License-Identifier: Apache-2.0
# A member of a group without a link is rejected when it is parsed: do
# the others run?
name member-rejected
rules P4.6 P7.6
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  bad: op=200 GROUP
  m2: nop
  mark: nop
wait r0
