# SPDX-License-Identifier: Apache-2.0
# A link with an opcode that does not exist: the chain never starts. The
# bad one gets -EINVAL, the others -ECANCELED.
name link-break-prep
rules G12

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  nop LINK
  op=255 LINK
  nop
wait r0
