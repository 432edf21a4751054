# SPDX-License-Identifier: Apache-2.0
# IORING_REGISTER_SYNC_CANCEL of a read that waits on a pipe.
name plain-sync-cancel
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  pending: read p0.r b0 len=64
cancel r0 pending timeout=1s
wait r0
