# SPDX-License-Identifier: Apache-2.0
# A ring that defers its task work belongs to another thread than the
# first.
name plain-thread-defer
rules G12

ring r0 entries=4 flags=R_DISABLED|SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
buf b0 size=64

t1: register r0 enable
t1: submit r0
  read p0.r b0 len=64
feed p0.w 64 fill=5
t1: wait r0
