# SPDX-License-Identifier: Apache-2.0
# The failing link has SKIP: its own CQE is posted, those of the links
# that are cancelled behind it are not.
name link-break-skip-hidden
rules G12
needs nop-inject

ring r0 entries=4

submit r0
  nop LINK
  nop inject=-EIO LINK SKIP
  nop LINK
  nop
wait r0
