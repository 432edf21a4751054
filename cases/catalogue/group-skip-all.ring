# SPDX-License-Identifier: Apache-2.0
# A group without any CQE: it must be freed although nobody hears of it.
name group-skip-all
rules G3 G10 P4.3
needs groups

ring r0 entries=8

submit r0
  leader: nop GROUP SKIP
  m1: nop GROUP SKIP
  m2: nop SKIP
  nop
wait r0
