# SPDX-License-Identifier: Apache-2.0
# Waits on words of memory, and what wakes them.
name plain-futex
rules G12
needs op:futex_wait op:futex_waitv

ring r0 entries=8
buf b0 size=64
waitv w0 b0 b0+8

submit r0
  futex_wait 130 b0 addr3=4294967295
  futex_waitv w0 fd=0 len=2
submit r0
  futex_wake 130 b0+8 addr3=4294967295 off=5
wait r0 2
submit r0
  futex_wake 130 b0 addr3=4294967295 off=5
wait r0
