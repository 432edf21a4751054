# SPDX-License-Identifier: Apache-2.0
# A member fails while it runs, and the leader, which has no link, has
# CQE_SKIP_SUCCESS: is the leader marked failed, so that its CQE comes?
name member-fails
rules P4.5 P7.7
needs groups nop-inject

ring r0 entries=4

submit r0
  leader: nop GROUP SKIP
  bad: nop inject=-EIO GROUP
  m2: nop
  mark: nop
wait r0 1
wait r0
