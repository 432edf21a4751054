# SPDX-License-Identifier: Apache-2.0
# The leader fails while it runs. Its members run; its CQE is the last.
name group-leader-fails-run
rules G4 P4.4
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop inject=-EIO GROUP
  m1: nop GROUP
  m2: nop
  nop
wait r0
