# SPDX-License-Identifier: Apache-2.0
# DEFER_TASKRUN and io-wq: workers hand their completions to the task.
name group-defer-taskrun-async
rules G4 G9 G10
needs groups

ring r0 entries=8 flags=SINGLE_ISSUER|DEFER_TASKRUN

submit r0
  leader: nop GROUP LINK ASYNC
  m1: nop GROUP ASYNC
  m2: nop
  next: nop
wait r0
