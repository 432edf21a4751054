# SPDX-License-Identifier: Apache-2.0
# POLL_ADD on a pipe that gets data later, and on one that can be
# written to right away.
name plain-poll
rules G12

ring r0 entries=4
pipe p0
pipe p1

submit r0
  poll_add p0.r events=IN
  poll_add p1.w events=OUT
wait r0 1
feed p0.w 8
wait r0
