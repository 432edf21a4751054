# SPDX-License-Identifier: Apache-2.0
# The guarded request is done before its time is over: the linked
# timeout completes with -ECANCELED.
name link-timeout-idle
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64 LINK
  link_timeout 30s
feed p0.w 64 fill=9
wait r0
