# SPDX-License-Identifier: Apache-2.0
# A ring without a descriptor, in memory of the process, and one that is
# entered by its index as well.
name plain-registered-ring
rules G12

ring r0 entries=8 flags=NO_MMAP|REGISTERED_FD_ONLY
ring r1 entries=8 flags=NO_MMAP

register r1 ring-fd
submit r0
  nop
submit r1
  nop ASYNC
wait r0
wait r1
unregister r1 ring-fd
