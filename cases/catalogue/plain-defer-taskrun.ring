# SPDX-License-Identifier: Apache-2.0
# With DEFER_TASKRUN completions are posted only when the task asks for
# them.
name plain-defer-taskrun
rules G12

ring r0 entries=4 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
  nop
wait r0 1
feed p0.w 64 fill=9
wait r0
