# SPDX-License-Identifier: Apache-2.0
# Groups in a row, each made of the requests that the one before freed.
# Group state left over from an earlier life of a request would show
# here.
name group-recycle
rules G3 G4 G10
needs groups

ring r0 entries=8

submit r0
  nop GROUP
  nop GROUP
  nop
wait r0
submit r0
  nop
  nop GROUP
  nop
wait r0
submit r0
  nop GROUP
  nop GROUP
  nop GROUP
  nop
  nop LINK
  nop
wait r0
submit r0
  nop
  nop
  nop GROUP
  nop
wait r0
