# SPDX-License-Identifier: Apache-2.0
# A request changes an epoll instance, another one polls a ring.
name plain-epoll
rules G12
needs op:epoll_ctl

ring r0 entries=8
ring r1 entries=8
pipe p0
epoll ep
event ev0 IN data=7

submit r0
  epoll_ctl ep ev0 fd2=p0.r len=1
wait r0
submit r0
  poll_add ep events=IN
  poll_add r1 events=IN
feed p0.w 1
submit r1
  nop
wait r0
wait r1
