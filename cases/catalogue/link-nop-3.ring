# SPDX-License-Identifier: Apache-2.0
# A chain of three NOPs: each one is issued when the one ahead is done.
name link-nop-3
rules G12

ring r0 entries=4

submit r0
  nop LINK
  nop LINK
  nop
wait r0
