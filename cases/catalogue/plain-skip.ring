# SPDX-License-Identifier: Apache-2.0
# CQE_SKIP_SUCCESS: a request that succeeds posts nothing, one that
# fails posts its CQE all the same.
name plain-skip
rules G12
needs nop-inject

ring r0 entries=8

submit r0
  nop SKIP
  nop inject=-EIO SKIP
  nop
wait r0
