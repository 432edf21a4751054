# SPDX-License-Identifier: Apache-2.0
# Two rings share their io-wq workers; CLAMP changes nothing where the
# sizes are in range.
name plain-attach-wq
rules G12

ring r0 entries=4 flags=CLAMP
ring r1 entries=4 attach=r0

submit r0
  nop ASYNC
submit r1
  nop ASYNC
wait r0
wait r1
