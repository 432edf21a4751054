# SPDX-License-Identifier: Apache-2.0
# A chain that crosses between io-wq and the submitting task.
name link-async
rules G12

ring r0 entries=4

submit r0
  nop LINK
  nop LINK ASYNC
  nop LINK
  nop ASYNC
wait r0
