# SPDX-License-Identifier: Apache-2.0
# A leader in io-wq on a ring whose task work runs only when asked for;
# then the same without a group.
name c2-iowq-leader-defer
rules C2 G9
needs groups

ring r0 entries=16 flags=SINGLE_ISSUER|DEFER_TASKRUN

submit r0
  leader: nop GROUP ASYNC
  m1: nop GROUP
  m2: nop GROUP
  m3: nop
wait r0
submit r0
  nop ASYNC
  nop
  nop
  nop
wait r0
