# SPDX-License-Identifier: Apache-2.0
# The last member fails in io-wq: the leader's CQE comes once, and the
# chain behind is cancelled.
name c4-fails-in-iowq
rules C4 G3 G6
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop GROUP LINK
  m1: nop GROUP
  m2: nop inject=-EIO ASYNC
  next: nop
wait r0
