# SPDX-License-Identifier: Apache-2.0
# A group with a timeout that is armed, since its leader waits:
# planted/deadlock.patch takes the completion lock under the timeout lock.
name planted-deadlock
needs groups

ring r0 entries=4
pipe p0

submit r0
  leader: poll_add p0.r events=IN GROUP LINK
  m1: nop
  link_timeout 5s
wait r0 1
feed p0.w 64 fill=9
wait r0
