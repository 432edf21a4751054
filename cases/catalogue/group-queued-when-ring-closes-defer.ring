# SPDX-License-Identifier: Apache-2.0
# The ring is closed between the leader and its members, which need the
# task to enter it once more.
name group-queued-when-ring-closes-defer
rules G3
needs groups

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN

submit r0
  leader: nop GROUP
  m1: nop GROUP
  m2: nop
close r0
