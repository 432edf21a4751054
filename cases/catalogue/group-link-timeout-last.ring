# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT is the last member of a group, and does not have the
# flag, behind a chain that is open. It must not time what is ahead of
# the group.
name group-link-timeout-last
rules P7.4
needs groups

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  head: nop LINK
  leader: read p0.r b0 len=64 GROUP
  m1: nop GROUP
  lt: link_timeout 500ms
  mark: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
