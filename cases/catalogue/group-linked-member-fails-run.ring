# SPDX-License-Identifier: Apache-2.0
# A member of a linked group fails while it runs. The leader keeps its
# own result, but the chain is broken.
name group-linked-member-fails-run
rules G6 P4.5
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop GROUP LINK
  m1: nop inject=-EIO GROUP
  m2: nop
  next: nop LINK
  nop
wait r0
