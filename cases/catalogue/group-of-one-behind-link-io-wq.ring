# SPDX-License-Identifier: Apache-2.0
# A group of one behind an open chain. It is like a plain request, or
# fails what it stands in. Requests run in io-wq.
# Written by cases/families, family revisions.
name group-of-one-behind-link-io-wq
rules P4.7 P7.8
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=4096 fill=21
file f1 size=4096 fill=22
buf b0 size=64
buf b1 size=64

submit r0
  ahead: read f0 b0 len=64 LINK ASYNC
  leader: read f1 b1 len=64 GROUP ASYNC
wait r0
