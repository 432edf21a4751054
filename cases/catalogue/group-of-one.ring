# SPDX-License-Identifier: Apache-2.0
# The bit on the last SQE of a submission: a leader without members.
name group-of-one
rules G1 G2 P4.7
needs groups

ring r0 entries=4

submit r0
  nop
  leader: nop GROUP
wait r0
