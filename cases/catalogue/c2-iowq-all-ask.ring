# SPDX-License-Identifier: Apache-2.0
# Every request of the group asks for io-wq, as do the plain ones that
# follow: what each costs is to be alike.
name c2-iowq-all-ask
rules C2 G9
needs groups

ring r0 entries=16

submit r0
  leader: nop GROUP ASYNC
  m1: nop GROUP ASYNC
  m2: nop ASYNC
wait r0
submit r0
  nop ASYNC
  nop ASYNC
  nop ASYNC
wait r0
