# SPDX-License-Identifier: Apache-2.0
# Cancellation by descriptor, opcode and registered file, of one and of
# all, by request and by call.
name plain-cancel-forms
rules G12

ring r0 entries=16
pipe p0
pipe p1

register r0 files p1.r
submit r0
  poll_add p0.r events=IN
  poll_add p0.r events=IN
  poll_add 0 events=IN FIXED_FILE
  timeout 1h0m0s
  poll_add p1.r events=IN
submit r0
  async_cancel fd=p0.r flags=ALL|FD
wait r0 3
submit r0
  async_cancel fd=0 flags=FD|FD_FIXED
wait r0 2
cancel r0 op=timeout flags=OP timeout=1s
wait r0 1
cancel r0 flags=ANY timeout=1s
wait r0
