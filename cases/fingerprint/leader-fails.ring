# SPDX-License-Identifier: Apache-2.0
# The leader fails while it runs: do the members run?
name leader-fails
rules P4.4 P7.5
needs groups nop-inject

ring r0 entries=4

submit r0
  leader: nop inject=-EIO GROUP
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0
