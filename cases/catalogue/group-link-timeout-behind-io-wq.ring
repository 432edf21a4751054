# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT stands directly behind a linked group. The revision that
# refuses it fails the chain. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-link-timeout-behind-io-wq
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP LINK ASYNC
  m1: read f1 b1 len=64 ASYNC
  lt: link_timeout 500ms
  mark: nop
wait r0 1
wait r0
