# SPDX-License-Identifier: Apache-2.0
# Twice as many CQEs as the completion queue holds: the rest goes to the
# overflow list, and none may be lost.
name plain-overflow
rules G12

ring r0 entries=4 cq=4

submit r0
  nop
  nop
  nop
  nop
submit r0
  nop
  nop
  nop
  nop
wait r0
