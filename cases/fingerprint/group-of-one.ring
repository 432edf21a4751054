# SPDX-License-Identifier: Apache-2.0
# A group of one NOP: a plain request, or refused?
name group-of-one
rules P4.7 P7.8
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  mark: nop
  only: nop GROUP
wait r0
