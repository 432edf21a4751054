# SPDX-License-Identifier: Apache-2.0
# LINK_TIMEOUT is a member. The revision that refuses it fails the
# group; the other has it go its own way and promises nothing of its
# result. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-link-timeout-member-io-wq
rules P7.4
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  leader: read f0 b0 len=64 GROUP ASYNC
  lt: link_timeout 500ms GROUP
  m2: read f1 b1 len=64 ASYNC
  mark: nop
wait r0 1
wait r0
