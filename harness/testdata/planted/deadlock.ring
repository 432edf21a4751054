# SPDX-License-Identifier: Apache-2.0
# A link with a timeout whose first element is a group that goes to io-wq:
# planted/deadlock.patch takes the completion lock under the timeout lock.
name planted-deadlock
needs groups

ring r0 entries=4

submit r0
  leader: nop GROUP ASYNC LINK
  m1: nop
  link_timeout 5s
wait r0
