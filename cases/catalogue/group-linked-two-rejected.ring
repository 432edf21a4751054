# SPDX-License-Identifier: Apache-2.0
# Leader and member of a linked group are rejected. Each has its own
# error, and what is linked behind them is cancelled.
name group-linked-two-rejected
rules G6 P4.6 P7.6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: op=255 GROUP LINK
  m1: nop flags=0x80 GROUP
  m2: nop
  next: nop
  mark: nop
wait r0
