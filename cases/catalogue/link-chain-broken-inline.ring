# SPDX-License-Identifier: Apache-2.0
# A link chain without any group breaks in its middle. Requests complete
# while they are submitted.
# Written by cases/families, family neighbours.
name link-chain-broken-inline
rules G12
needs nop-inject

ring r0 entries=4

submit r0
  first: nop LINK
  bad: nop inject=-EIO LINK
  third: nop
  mark: nop
wait r0
