# SPDX-License-Identifier: Apache-2.0
# CQEs are counted by a registered eventfd.
name plain-eventfd-registered
rules G12

ring r0 entries=4
eventfd e0

register r0 eventfd e0
submit r0
  nop
  nop
wait r0
take e0 8
unregister r0 eventfd
