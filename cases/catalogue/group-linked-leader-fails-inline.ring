# SPDX-License-Identifier: Apache-2.0
# The leader of a linked group fails. What is linked behind the group
# must be cancelled; whether the members are is where the revisions
# differ. Requests complete while they are submitted.
# Written by cases/families, family failures.
name group-linked-leader-fails-inline
rules G6 P4.4 P7.5
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop inject=-EIO GROUP LINK
  m1: nop GROUP
  m2: nop
  next: nop
  mark: nop
wait r0 1
wait r0
