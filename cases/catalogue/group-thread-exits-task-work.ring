# SPDX-License-Identifier: Apache-2.0
# The thread that has submitted a group exits while it waits. The
# process goes on, and so does the ring. Requests complete in task work.
# Written by cases/families, family endings.
name group-thread-exits-task-work
rules G11
needs groups

ring r0 entries=4
pipe p0
pipe p1

t1: submit r0
  leader: poll_add p0.r events=IN GROUP
  m1: poll_add p1.r events=IN GROUP
  m2: nop
  mark: nop
t1: exit-thread
cancel r0 flags=ALL|ANY timeout=1s
wait r0
