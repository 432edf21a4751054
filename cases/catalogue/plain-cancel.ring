# SPDX-License-Identifier: Apache-2.0
# ASYNC_CANCEL finds a read that waits on a pipe, and does not find a
# request that is already done.
name plain-cancel
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  done: nop
  pending: read p0.r b0 len=64
wait r0 1
submit r0
  async_cancel pending
  async_cancel done
wait r0
