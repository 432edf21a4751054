# SPDX-License-Identifier: Apache-2.0
# The last member fails while it runs; nobody else is disturbed.
name group-member-fails-run-last
rules G3 G4
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: nop GROUP
  m3: nop inject=-EIO
  nop
wait r0
