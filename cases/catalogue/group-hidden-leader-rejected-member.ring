# SPDX-License-Identifier: Apache-2.0
# A leader that skips its CQE is rejected, and so is its member: each
# tells of its own error.
name group-hidden-leader-rejected-member
rules G3
needs groups

ring r0 entries=8

submit r0
  leader: op=99 GROUP SKIP
  member: read_fixed
wait r0
