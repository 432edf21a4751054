# SPDX-License-Identifier: Apache-2.0
# Links with groups whose CQEs are skipped: what is issued when does not
# depend on what is posted.
name group-linked-skip
rules G5 P4.3
needs groups

ring r0 entries=8

submit r0
  leader0: nop GROUP LINK SKIP
  m0: nop GROUP SKIP
  m1: nop
  leader1: nop GROUP LINK
  m2: nop SKIP
  next: nop
wait r0
