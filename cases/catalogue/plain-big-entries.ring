# SPDX-License-Identifier: Apache-2.0
# Rings with wide entries, without an index array, in memory of the
# process.
name plain-big-entries
rules G12

ring r0 entries=4 flags=SQE128|CQE32
ring r1 entries=4 flags=NO_SQARRAY
ring r2 entries=4 flags=SQE128|CQE32|NO_MMAP|NO_SQARRAY

submit r0
  nop
  nop ASYNC
  nop LINK
  nop
submit r1
  nop
  nop ASYNC
  nop LINK
  nop
submit r2
  nop
  nop ASYNC
  nop LINK
  nop
wait r0
wait r1
wait r2
