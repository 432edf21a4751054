# SPDX-License-Identifier: Apache-2.0
# Groups with requests in io-wq: members alone, the leader alone, and
# all of them.
name c3-io-wq
rules C3 G4
needs groups

ring r0 entries=16

submit r0
  nop GROUP
  nop GROUP ASYNC
  nop GROUP ASYNC
  nop
  nop GROUP ASYNC
  nop GROUP
  nop
  nop GROUP ASYNC
  nop GROUP ASYNC
  nop ASYNC
wait r0
