# SPDX-License-Identifier: Apache-2.0
# A poll on an eventfd that is written to later.
name plain-eventfd
rules G12

ring r0 entries=4
eventfd e0

submit r0
  poll_add e0 events=IN
  nop
wait r0 1
feed e0 1
wait r0
