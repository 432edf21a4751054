# SPDX-License-Identifier: Apache-2.0
# Plain request, then a group, linked. The member reads what the plain
# write stored: nothing of the group starts before it is done.
name group-chain-after-plain
rules G5
needs groups

ring r0 entries=8
file f0 size=4096 fill=1
buf out size=4096 fill=2
buf b0 size=4096
buf b1 size=4096

submit r0
  write f0 out len=4096 LINK
  leader: read f0 b0 len=4096 GROUP
  m1: read f0 b1 len=4096
wait r0
