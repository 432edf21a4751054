# SPDX-License-Identifier: Apache-2.0
# The request ahead of the group fails. Every SQE of the group must
# complete with -ECANCELED, without being issued. Requests complete
# while they are submitted.
# Written by cases/families, family failures.
name group-broken-ahead-inline
rules G7
needs groups nop-inject

ring r0 entries=8

submit r0
  bad: nop inject=-EIO LINK
  leader: nop GROUP LINK
  m1: nop GROUP
  m2: nop
  next: nop
  mark: nop
wait r0 1
wait r0
