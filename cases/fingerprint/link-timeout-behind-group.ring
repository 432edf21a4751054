# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT stands directly behind a linked group: allowed, or
# refused?
name link-timeout-behind-group
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
pipe p0
pipe p1
buf b0 size=64
buf b1 size=64

submit r0
  leader: read p0.r b0 len=64 GROUP LINK
  m1: read p1.r b1 len=64
  lt: link_timeout 500ms
  mark: nop
wait r0 1
feed p0.w 64 fill=1
feed p1.w 64 fill=2
wait r0
