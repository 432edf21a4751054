# SPDX-License-Identifier: Apache-2.0
# The leader of a linked group fails. What is linked behind the group
# must be cancelled; whether the members are is where the revisions
# differ. Requests run in io-wq.
# Written by cases/families, family failures.
name group-linked-leader-fails-io-wq
rules G6 P4.4 P7.5
needs groups nop-inject

ring r0 entries=8
file f0 size=4096 fill=21
buf b0 size=64

submit r0
  leader: nop inject=-EIO GROUP LINK ASYNC
  m1: read f0 b0 len=64 GROUP ASYNC
  m2: nop
  next: nop
  mark: nop
wait r0 1
wait r0
