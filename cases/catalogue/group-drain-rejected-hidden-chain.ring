# SPDX-License-Identifier: Apache-2.0
# Behind a drained group comes a chain that is rejected and hides what
# it cancels. What comes next must not wait for that.
name group-drain-rejected-hidden-chain
rules G3
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP DRAIN
  m1: nop
  bad: op=99 LINK SKIP
  hidden: nop
  later: nop
wait r0
