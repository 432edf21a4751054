# SPDX-License-Identifier: Apache-2.0
# What is behind a drained group with a skipped CQE is rejected. The
# drain is for the one after it then.
name group-drain-rejected-next-hidden
rules G8
needs groups

ring r0 entries=8 flags=SUBMIT_ALL|SINGLE_ISSUER|DEFER_TASKRUN

submit r0
  leader: nop GROUP DRAIN
  member: nop SKIP
  read_fixed
  nop
wait r0
