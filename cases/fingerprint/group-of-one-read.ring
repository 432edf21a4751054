# SPDX-License-Identifier: Apache-2.0
# A group of one read: a plain request, or refused?
name group-of-one-read
rules P4.7 P7.8
needs groups

ring r0 entries=4 flags=SUBMIT_ALL
file f0 size=64 fill=7
buf b0 size=64

submit r0
  mark: nop
  only: read f0 b0 len=64 GROUP
wait r0
