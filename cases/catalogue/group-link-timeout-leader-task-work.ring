# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT leads a group. The revision that refuses it fails the
# group. Requests complete in task work.
# Written by cases/families, family revisions.
name group-link-timeout-leader-task-work
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0

submit r0
  lt: link_timeout 500ms GROUP
  m1: poll_add p0.r events=IN GROUP
  m2: nop
  mark: nop
wait r0 1
feed p0.w 64 fill=9
wait r0
