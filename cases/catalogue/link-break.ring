# SPDX-License-Identifier: Apache-2.0
# The second of four links fails: what is behind it in the chain is
# cancelled, the request behind the chain is not.
name link-break
rules G12
needs nop-inject

ring r0 entries=8

submit r0
  nop LINK
  nop inject=-EIO LINK
  nop LINK
  nop
  nop
wait r0
