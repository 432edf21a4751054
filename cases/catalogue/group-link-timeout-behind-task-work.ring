# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT stands directly behind a linked group. The revision that
# refuses it fails the chain. Requests complete in task work.
# Written by cases/families, family revisions.
name group-link-timeout-behind-task-work
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP LINK
  m1: poll_add p1.r events=IN
  lt: link_timeout 500ms
  mark: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
