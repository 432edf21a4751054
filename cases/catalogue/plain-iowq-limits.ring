# SPDX-License-Identifier: Apache-2.0
# No more than one bounded worker, pinned to one CPU: requests queue up
# behind each other.
name plain-iowq-limits
rules G12

ring r0 entries=8
file f0 size=64 fill=3
buf b0 size=256

register r0 iowq-max 1 1
register r0 iowq-aff 1
submit r0
  read f0 b0 len=64 ASYNC
  read f0 b0+64 len=64 ASYNC
  read f0 b0+128 len=64 ASYNC
  nop ASYNC
wait r0
unregister r0 iowq-aff
