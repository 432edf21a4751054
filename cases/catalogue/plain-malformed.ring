# SPDX-License-Identifier: Apache-2.0
# Fields that must be zero and are not.
name plain-malformed
rules G12

ring r0 entries=8 flags=SUBMIT_ALL
pipe p0

submit r0
  poll_add p0.r addr=1 events=IN
  timeout 1ms file_index=3
  nop ioprio=1
  fsync p0.r addr3=5 pad=7
  read p0.r len=8 personality=9 ioprio=4660
wait r0
