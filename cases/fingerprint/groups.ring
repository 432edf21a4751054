# SPDX-License-Identifier: Apache-2.0
# Is IOSQE_SQE_GROUP known at all? Without the feature it is EINVAL.
name groups
rules G12

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  member: nop
wait r0
