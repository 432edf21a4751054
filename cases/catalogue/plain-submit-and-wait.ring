# SPDX-License-Identifier: Apache-2.0
# One system call submits and waits, also on a ring that defers its task
# work until then.
name plain-submit-and-wait
rules G12

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN

submit r0 wait=2
  nop ASYNC
  nop
wait r0
