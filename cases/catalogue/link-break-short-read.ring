# SPDX-License-Identifier: Apache-2.0
# A short read counts as a failure inside a chain: the rest is
# cancelled, and the CQE of the read says how much it got.
name link-break-short-read
rules G12

ring r0 entries=4
file f0 size=100 fill=1
buf b0 size=256

submit r0
  read f0 b0 len=256 LINK
  nop
wait r0
