# SPDX-License-Identifier: Apache-2.0
# The process is killed while a group has not started: it waits for the
# link ahead of it, and another one for a drain.
name group-kill-held
rules G7 G8 G11
needs groups

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  nop
  read p0.r b0 len=64 LINK
  leader0: nop GROUP
  m0: nop
  leader1: nop GROUP DRAIN
  m1: nop
wait r0 1
kill
