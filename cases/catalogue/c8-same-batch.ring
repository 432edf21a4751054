# SPDX-License-Identifier: Apache-2.0
# Leader and members are done in one batch: the leader passes the
# completion path ahead of its members, and again behind them.
name c8-same-batch
rules C8 G10
needs groups

ring r0 entries=16

submit r0
  nop GROUP
  nop
  nop GROUP
  nop GROUP
  nop GROUP
  nop
wait r0
