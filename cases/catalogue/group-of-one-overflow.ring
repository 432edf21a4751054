# SPDX-License-Identifier: Apache-2.0
# A group of one, closed by the end of its submission: a plain request
# in one revision, refused in the other. The completion queue is full:
# every CQE goes to the overflow list.
# Written by cases/families, family revisions.
name group-of-one-overflow
rules P4.7 P7.8
needs groups

ring r0 entries=4 cq=4 flags=SUBMIT_ALL
pipe p0
buf b0 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  mark: nop
  leader: read p0.r b0 len=64 GROUP
feed p0.w 64 fill=9
wait r0
