# SPDX-License-Identifier: Apache-2.0
# A timeout that fires, beside a NOP that does not wait for it.
name plain-timeout
rules G12

ring r0 entries=4

submit r0
  timeout 20ms
  nop
wait r0
