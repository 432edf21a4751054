# SPDX-License-Identifier: Apache-2.0
# A linked leader fails while it runs: its member runs, the rest of the
# chain is cancelled.
name group-linked-leader-fails-run
rules G6 P4.4
needs groups nop-inject

ring r0 entries=8

submit r0
  leader: nop inject=-EIO GROUP LINK
  m1: nop
  next: nop
wait r0
