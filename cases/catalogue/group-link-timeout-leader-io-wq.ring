# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT leads a group. The revision that refuses it fails the
# group. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-link-timeout-leader-io-wq
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  lt: link_timeout 500ms GROUP
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: nop
  mark: nop
wait r0 1
wait r0
