# SPDX-License-Identifier: Apache-2.0
# The kernel's thread goes to sleep between two submissions and is woken
# by the second.
name plain-sqpoll-idle
rules G12

ring r0 entries=4 flags=SQPOLL|SQ_AFF idle=1ms

submit r0
  nop
wait r0
wait r0 1 timeout=5ms
submit r0
  nop
  nop
wait r0
