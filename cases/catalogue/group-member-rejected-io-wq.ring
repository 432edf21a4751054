# SPDX-License-Identifier: Apache-2.0
# A member of a group that is not linked is rejected while it is parsed.
# One revision runs the others, the other cancels them. Requests run in
# io-wq.
# Written by cases/families, family revisions.
name group-member-rejected-io-wq
rules P7.6 P4.6 G3
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  bad: op=99 GROUP
  m2: read f1 b1 len=64 ASYNC
  mark: nop
wait r0 1
wait r0
