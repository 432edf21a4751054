# SPDX-License-Identifier: Apache-2.0
# The leader succeeds with CQE_SKIP_SUCCESS and posts no CQE. The
# members' must all come. Requests complete while they are submitted.
# Written by cases/families, family order.
name group-leader-skips-inline
rules G3 P4.3
needs groups

ring r0 entries=4

submit r0
  leader: nop GROUP SKIP
  m1: nop GROUP
  m2: nop
wait r0
