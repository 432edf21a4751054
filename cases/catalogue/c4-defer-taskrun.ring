# SPDX-License-Identifier: Apache-2.0
# The last request runs in io-wq of a ring on which only the task posts
# CQEs.
name c4-defer-taskrun
rules C4 G3 G5
needs groups

ring r0 entries=8 flags=SINGLE_ISSUER|DEFER_TASKRUN

submit r0
  leader: nop GROUP LINK
  m1: nop GROUP ASYNC
  m2: nop ASYNC
  next: nop
wait r0
