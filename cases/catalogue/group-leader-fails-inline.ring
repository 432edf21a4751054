# SPDX-License-Identifier: Apache-2.0
# The leader of a group fails. Its members go their own way in one
# revision and are cancelled in the other. Requests complete while they
# are submitted.
# Written by cases/families, family revisions.
name group-leader-fails-inline
rules P4.4 P7.5
needs groups nop-inject

ring r0 entries=4

submit r0
  leader: nop inject=-EIO GROUP
  m1: nop GROUP
  m2: nop
  mark: nop
wait r0 1
wait r0
