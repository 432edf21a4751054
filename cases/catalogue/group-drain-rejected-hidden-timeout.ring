# SPDX-License-Identifier: Apache-2.0
# What is behind a drained group is rejected, and a timeout that it has
# armed is cancelled unseen. What comes next must not wait for its CQE.
name group-drain-rejected-hidden-timeout
rules G3
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP DRAIN
  m1: nop
  bad: op=99 LINK
  timeout: link_timeout 1m0s SKIP
  later: nop
wait r0
