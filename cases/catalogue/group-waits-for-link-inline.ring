# SPDX-License-Identifier: Apache-2.0
# A request ahead in the chain takes its time. Nothing of the group
# behind it may be issued before it has completed. Requests complete
# while they are submitted.
# Written by cases/families, family chains.
name group-waits-for-link-inline
rules G5
needs groups

ring r0 entries=4

submit r0
  ahead: nop LINK
  leader: nop GROUP
  m1: nop GROUP
  m2: nop
wait r0
