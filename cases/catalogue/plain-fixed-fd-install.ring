# SPDX-License-Identifier: Apache-2.0
# A registered file becomes a descriptor.
name plain-fixed-fd-install
rules G12

ring r0 entries=8
pipe p0

register r0 files p0.r
submit r0
  fixed_fd_install 0 FIXED_FILE
wait r0
