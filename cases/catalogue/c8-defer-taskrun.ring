# SPDX-License-Identifier: Apache-2.0
# The batches of a ring whose task work runs when asked for: members
# inline, armed and in io-wq.
name c8-defer-taskrun
rules C8 G10
needs groups

ring r0 entries=16 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
buf b0 size=64

submit r0
  nop GROUP
  nop GROUP
  nop
  nop GROUP
  read p0.r b0 len=64 GROUP
  nop ASYNC
wait r0 3
feed p0.w 64 fill=9
wait r0
