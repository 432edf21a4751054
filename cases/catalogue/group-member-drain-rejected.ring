# SPDX-License-Identifier: Apache-2.0
# A member has IOSQE_IO_DRAIN and is rejected for its opcode, on a ring
# that has seen CQE_SKIP and does not drain any more. Where the flag is
# refused, it is so whatever else is wrong with the member.
name group-member-drain-rejected
rules P4.2 P7.2
needs groups

ring r0 entries=8

submit r0
  hidden: nop SKIP
submit r0
  leader: nop GROUP
  m1: op=99 GROUP DRAIN
  m2: nop
wait r0 3
