# SPDX-License-Identifier: Apache-2.0
# A member reads from a descriptor that is not there, and the leader,
# which has no link, has CQE_SKIP_SUCCESS: is the leader marked failed,
# so that its CQE comes?
name member-reads-nothing
rules P4.5 P7.7
needs groups

ring r0 entries=4
buf b0 size=64

submit r0
  leader: nop GROUP SKIP
  m1: nop GROUP
  bad: read -1 b0 len=64
  mark: nop
wait r0 1
wait r0
