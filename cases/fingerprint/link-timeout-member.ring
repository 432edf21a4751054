# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT is a member: allowed, or is the group refused?
name link-timeout-member
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  lt: link_timeout 500ms GROUP
  m2: nop
  mark: nop
wait r0
