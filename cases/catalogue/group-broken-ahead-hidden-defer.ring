# SPDX-License-Identifier: Apache-2.0
# As the request ahead of the group fails, the chain is cancelled, and
# with its CQE_SKIP_SUCCESS no CQE of what is cancelled is shown: leader
# and members alike. Requests wait in an armed poll, and DEFER_TASKRUN
# completes them when the task asks.
# Written by cases/families, family failures.
name group-broken-ahead-hidden-defer
rules G7
needs groups

ring r0 entries=8 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  bad: read p0.r b0 len=64 LINK SKIP
  leader: nop GROUP
  m1: read p1.r b1 len=64 GROUP
  m2: nop
  mark: nop
wait r0 1
cancel r0 bad timeout=1s
wait r0
