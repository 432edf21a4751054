# SPDX-License-Identifier: Apache-2.0
# A linked timeout cancels the read that it guards.
name link-timeout-fires
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64 LINK
  link_timeout 20ms
wait r0
