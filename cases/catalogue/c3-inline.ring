# SPDX-License-Identifier: Apache-2.0
# Groups that complete within their submission: in which order do their
# CQEs come?
name c3-inline
rules C3 G4
needs groups

ring r0 entries=16
file f0 size=4096 fill=8
buf b0 size=4096
buf b1 size=4096

submit r0
  nop GROUP
  nop GROUP
  nop GROUP
  nop
  read f0 b0 len=4096 GROUP
  nop GROUP
  read f0 b1 len=4096
wait r0
