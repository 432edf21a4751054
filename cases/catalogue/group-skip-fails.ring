# SPDX-License-Identifier: Apache-2.0
# Leader and one member have SKIP and fail: both CQEs are posted.
name group-skip-fails
rules G3 G4 P4.3
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop inject=-EIO GROUP SKIP
  m1: nop GROUP SKIP
  m2: nop inject=-ENOMEM SKIP
wait r0
