# SPDX-License-Identifier: Apache-2.0
# The process is killed while another thread waits for a request.
name plain-kill-under-wait
rules G12

ring r0 entries=4
pipe p0
buf b0 size=64

t1: submit r0
  read p0.r b0 len=64
t1: wait r0 1 &
kill
