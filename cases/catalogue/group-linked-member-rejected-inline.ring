# SPDX-License-Identifier: Apache-2.0
# A member of a linked group is rejected while it is parsed. It keeps
# its own errno, the leader is cancelled, and with it what is linked
# behind; the revisions differ in the other members. Requests complete
# while they are submitted.
# Written by cases/families, family revisions.
name group-linked-member-rejected-inline
rules P4.6 P7.6 G6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP LINK
  m1: nop GROUP
  bad: op=99 GROUP
  m3: nop
  next: nop
  mark: nop
wait r0 1
wait r0
