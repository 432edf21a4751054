# SPDX-License-Identifier: Apache-2.0
# Another thread submits and waits; the first one supplies what its
# request waits for.
name plain-thread-submits
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

t1: submit r0
  read p0.r b0 len=64
t1: wait r0 1 &
feed p0.w 64 fill=5
join t1
