# SPDX-License-Identifier: Apache-2.0
# A linked timeout ends the request ahead of a group: the group is
# cancelled. Requests wait in an armed poll until their pipe is fed.
# Written by cases/families, family timeouts.
name group-behind-link-timeout-poll
rules G7
needs groups

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  ahead: read p0.r b0 len=64 LINK
  lt: link_timeout 2ms LINK
  leader: nop GROUP
  m1: nop
wait r0
