# SPDX-License-Identifier: Apache-2.0
# A group of one behind an open chain. It is like a plain request, or
# fails what it stands in. Requests complete in task work.
# Written by cases/families, family revisions.
name group-of-one-behind-link-task-work
rules P4.7 P7.8
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0
pipe p1

submit r0
  ahead: poll_add p0.r events=IN LINK
  leader: poll_add p1.r events=IN GROUP
feed p0.w 64 fill=9
feed p1.w 64 fill=10
wait r0
