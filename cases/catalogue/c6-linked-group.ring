# SPDX-License-Identifier: Apache-2.0
# A linked group whose members carry all three flags: whether the chain
# goes on tells what became of them.
name c6-linked-group
rules C6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: nop GROUP LINK
  m1: nop GROUP LINK
  m2: nop GROUP HARDLINK
  m3: nop DRAIN
  behind: nop
wait r0
