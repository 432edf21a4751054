# SPDX-License-Identifier: Apache-2.0
# All of a group run in io-wq, whichever is done last, with a group
# linked behind that does the same.
name c4-all-in-iowq
rules C4 G3 G5
needs groups

ring r0 entries=16

submit r0
  leader: nop GROUP LINK ASYNC
  m1: nop GROUP ASYNC
  m2: nop ASYNC
  nop GROUP LINK ASYNC
  nop GROUP ASYNC
  nop ASYNC
  next: nop
wait r0
