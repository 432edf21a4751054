# SPDX-License-Identifier: Apache-2.0
# While a group is in flight, plain requests are submitted with it and
# after it. They complete as ever. Requests complete while they are
# submitted.
# Written by cases/families, family neighbours.
name group-beside-requests-inline
rules G12
needs groups

ring r0 entries=4

submit r0
  before: nop
  leader: nop GROUP
  m1: nop
  after: nop
submit r0
  late: nop
  latest: nop
wait r0 3
wait r0
