# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT is a member. The revision that refuses it fails the
# group; the other has it go its own way and promises nothing of its
# result. Requests complete in task work.
# Written by cases/families, family revisions.
name group-link-timeout-member-task-work
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0
pipe p1

submit r0
  leader: poll_add p0.r events=IN GROUP
  lt: link_timeout 500ms GROUP
  m2: poll_add p1.r events=IN
  mark: nop
wait r0 1
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
