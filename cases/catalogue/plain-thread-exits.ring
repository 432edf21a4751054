# SPDX-License-Identifier: Apache-2.0
# A thread exits with requests in flight. They are completed for it when
# what they wait for comes.
name plain-thread-exits
rules G12

ring r0 entries=4
pipe p0
pipe p1
buf b0 size=128

t1: submit r0
  read p0.r b0 len=64
  read p1.r b0+64 len=64 ASYNC
t1: exit-thread
feed p0.w 64 fill=5
feed p1.w 64 fill=6
wait r0
