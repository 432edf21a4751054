# SPDX-License-Identifier: Apache-2.0
# A group of one, closed by the end of its submission: a plain request
# in one revision, refused in the other. The kernel's thread submits;
# requests wait in an armed poll.
# Written by cases/families, family revisions.
name group-of-one-sqpoll
rules P4.7 P7.8
needs groups

ring r0 entries=8 flags=SQPOLL|SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  mark: nop
  leader: read p0.r b0 len=64 GROUP
wait r0 1
feed p0.w 64 fill=9
wait r0
