# SPDX-License-Identifier: Apache-2.0
# Extended attributes by descriptor and by name.
name plain-xattr
rules G12

ring r0 entries=8
dir d0
file f0 size=0
text x0 user.ringproof
buf b0 size=16 fill=3
buf b1 size=16

submit r0
  fsetxattr f0 x0 addr2=b0 len=16 flags=CREATE LINK
  fgetxattr f0 x0 addr2=b1 len=16
wait r0
