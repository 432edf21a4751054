# SPDX-License-Identifier: Apache-2.0
# A hard link holds although a request in it fails.
name link-hard
rules G12
needs nop-inject

ring r0 entries=4

submit r0
  nop inject=-EIO HARDLINK
  nop inject=-EIO HARDLINK
  nop
wait r0
