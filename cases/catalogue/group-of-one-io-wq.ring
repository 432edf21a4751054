# SPDX-License-Identifier: Apache-2.0
# A group of one, closed by the end of its submission: a plain request
# in one revision, refused in the other. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-of-one-io-wq
rules P4.7 P7.8
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  mark: nop
  leader: read f0 b0 len=64 GROUP ASYNC
wait r0 1
wait r0
