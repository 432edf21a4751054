# SPDX-License-Identifier: Apache-2.0
# A group of one, closed by the end of its submission: a plain request
# in one revision, refused in the other. Requests complete in task work.
# Written by cases/families, family revisions.
name group-of-one-task-work
rules P4.7 P7.8
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0

submit r0
  mark: nop
  leader: poll_add p0.r events=IN GROUP
wait r0 1
feed p0.w 64 fill=9
wait r0
