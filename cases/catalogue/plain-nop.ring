# SPDX-License-Identifier: Apache-2.0
# Three independent NOPs. The smallest thing that can work; if this
# fails, look at the setup before anything else.
name plain-nop
rules G12

ring r0 entries=4

submit r0
  nop
  nop
  nop
wait r0
