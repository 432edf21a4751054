# SPDX-License-Identifier: Apache-2.0
# A group closed by the end of the submission, behind a chain whose
# read has no descriptor: does it run, or was it part of the chain?
name open-group-behind-read
rules P4.8 P7.9
needs groups

ring r0 entries=4
buf b0 size=64

submit r0
  head: read -1 b0 len=64 LINK
  leader: nop GROUP
  m1: nop GROUP
  m2: nop GROUP
wait r0
