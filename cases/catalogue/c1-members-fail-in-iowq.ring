# SPDX-License-Identifier: Apache-2.0
# Members fail in io-wq while the leader waits for its pipe: what they
# note about the group is written beside what the task writes to the
# leader. KCSAN watches.
name c1-members-fail-in-iowq
rules C1 G6 G10
needs groups nop-inject

ring r0 entries=16
pipe p0
buf b0 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: nop inject=-EIO GROUP ASYNC
  m2: nop inject=-ENOSPC GROUP ASYNC
  m3: nop ASYNC
  next: nop
feed p0.w 64 fill=9
wait r0
