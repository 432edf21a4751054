# SPDX-License-Identifier: Apache-2.0
# Two rings share one SQPOLL thread.
name plain-sqpoll-attached
rules G12

ring r0 entries=4 flags=SQPOLL
ring r1 entries=4 flags=SQPOLL attach=r0

submit r0
  nop
  nop ASYNC
submit r1
  nop
  nop ASYNC
wait r0
wait r1
