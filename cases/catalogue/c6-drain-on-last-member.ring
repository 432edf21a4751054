# SPDX-License-Identifier: Apache-2.0
# DRAIN on the last SQE of a group, where it would be taken for the
# group's own.
name c6-drain-on-last-member
rules C6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP
  m1: nop DRAIN
  behind: nop
wait r0
