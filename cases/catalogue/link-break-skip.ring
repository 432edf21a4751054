# SPDX-License-Identifier: Apache-2.0
# Whether cancelled links show their CQEs is decided by the one that
# fails. Here it does not skip, so all of them do, those with SKIP too.
name link-break-skip
rules G12
needs nop-inject

ring r0 entries=4

submit r0
  nop LINK SKIP
  nop inject=-EIO LINK
  nop LINK SKIP
  nop
wait r0
