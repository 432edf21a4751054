# SPDX-License-Identifier: Apache-2.0
# A group closed by the end of the submission, behind a chain that
# breaks: does it run, or was it part of the chain?
name open-group-behind-failure
rules P4.8 P7.9
needs groups nop-inject

ring r0 entries=4

submit r0
  head: nop inject=-EIO LINK
  leader: nop GROUP
  m1: nop GROUP
wait r0
