# SPDX-License-Identifier: Apache-2.0
# Members in io-wq are done after the leader, and a leader in io-wq
# after its members.
name c8-in-iowq
rules C8 G10
needs groups

ring r0 entries=16

submit r0
  nop GROUP
  nop GROUP ASYNC
  nop ASYNC
  nop GROUP ASYNC
  nop GROUP
  nop
wait r0
