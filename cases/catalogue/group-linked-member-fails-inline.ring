# SPDX-License-Identifier: Apache-2.0
# A member of a linked group fails. The rest of the chain must be
# cancelled, and the leader keeps its own result. Requests complete
# while they are submitted.
# Written by cases/families, family failures.
name group-linked-member-fails-inline
rules G6 P4.5 P7.7
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop GROUP LINK
  bad: nop inject=-EIO GROUP
  m2: nop
  next: nop LINK
  last: nop
wait r0 1
wait r0
