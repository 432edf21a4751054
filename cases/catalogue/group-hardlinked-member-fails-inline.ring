# SPDX-License-Identifier: Apache-2.0
# A member fails, but the leader has HARDLINK: the chain must go on.
# Requests complete while they are submitted.
# Written by cases/families, family failures.
name group-hardlinked-member-fails-inline
rules G6 G5
needs groups nop-inject

ring r0 entries=4

submit r0
  leader: nop GROUP HARDLINK
  bad: nop inject=-EIO GROUP
  m2: nop
  next: nop
wait r0 1
wait r0
