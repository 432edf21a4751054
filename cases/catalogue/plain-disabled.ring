# SPDX-License-Identifier: Apache-2.0
# A ring takes nothing before it is enabled.
name plain-disabled
rules G12

ring r0 entries=4 flags=R_DISABLED

submit r0
  nop
register r0 enable
submit r0
  nop
wait r0
